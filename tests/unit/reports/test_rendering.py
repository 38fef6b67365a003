"""What a publication is made of changes with the number that it names, and with nothing else."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from motcua import templating
from motcua.domain import reconciliation
from motcua.reports import wording
from motcua.reports.publication import (
    charts as publication_charts,
)
from motcua.reports.publication import (
    files as publication_files,
)
from motcua.reports.publication import (
    page as publication_page,
)
from motcua.reports.publication import (
    pdf as publication_pdf,
)
from motcua.reports.publication.again import made_by, made_otherwise, rendering_of
from motcua.reports.publication.data import words_of
from motcua.reports.publication.files import PAGE, PDF, render
from motcua.reports.publication.rendering import RENDERING, RENDERINGS
from motcua.settings import include_dir
from tests import golden_publications as golden

BEFORE = "e97fa7a0ec5afa2cea27c93ad451d608e1fd35c466ef899ecf0fa18e12b33c72"
"""What publications say of the software from before the rendering had a number."""


@pytest.fixture(scope="module", params=sorted(RENDERINGS))
def made(request) -> tuple[golden.Recorded, golden.Recorded]:
    """What was recorded of a rendering, and what it makes now."""
    return golden.recorded()[request.param], golden.hashes(request.param)


# ------------------------------------------------------------------------------------------------- golden bytes


def test_each_rendering_has_recorded_bytes():
    assert sorted(golden.recorded()) == sorted(RENDERINGS), "run python -m tests.golden_publications"
    assert max(RENDERINGS) == RENDERING
    assert all(each.number == number for number, each in RENDERINGS.items())


@pytest.mark.guarantee("publications", "the bytes of a publication change only with the number of the rendering")
@pytest.mark.guarantee("publications", "what an earlier rendering made is made again byte for byte by a later version")
def test_bytes_that_no_library_decides_change_only_with_the_number_of_the_rendering(made):
    was, now = (each["everywhere"] for each in made)
    assert golden.changed(was, now) == [], golden.HOW_TO_CHANGE
    assert golden.missing(was, now) == [], golden.HOW_TO_CHANGE


@pytest.mark.guarantee("publications", "the bytes of a publication change only with the number of the rendering")
@pytest.mark.guarantee("publications", "what an earlier rendering made is made again byte for byte by a later version")
def test_bytes_of_print_page_and_workbooks_change_only_with_the_number_of_the_rendering(made):
    kept, hashes = made
    own = golden.software()
    now = hashes[own]
    if own not in kept:
        known = [each for name, each in kept.items() if name != "everywhere"]
        # Most versions of a library write what the one before wrote.
        assert any(golden.changed(each, now) == golden.missing(each, now) == [] for each in known), (
            f"nobody recorded what {own} makes, and it is not what others make: run python -m tests.golden_publications"
        )
        return
    assert golden.changed(kept[own], now) == [], golden.HOW_TO_CHANGE
    assert golden.missing(kept[own], now) == [], golden.HOW_TO_CHANGE


@pytest.mark.parametrize("rendering", sorted(RENDERINGS.keys() - {RENDERING}))
def test_renderings_share_all_words_but_those_that_an_earlier_one_keeps(rendering):
    """What is kept of an earlier rendering is said otherwise by the one after it, so that nothing is kept twice."""
    after = dict(leaves(words_of(rendering + 1)))
    kept = dict(leaves(words_of(rendering)))
    path = include_dir() / "templates" / "report" / f"publication.{rendering}.vi.yaml"
    own = dict(leaves(yaml.safe_load(path.read_text(encoding="utf-8"))))
    assert own
    assert [path for path, word in own.items() if after.get(path) == word] == []
    assert {path: kept.get(path) for path in own} == own
    assert {path: word for path, word in kept.items() if path not in own} == {
        path: word for path, word in after.items() if path not in own
    }


def test_first_rendering_says_what_it_said():
    assert words_of(1)["charts"]["whole"] == "100%"
    for rendering in (1, 2):
        assert wording.reason_in(words_of(rendering), "dummy") == "Số điền cho có"
        assert wording.reason_in(words_of(rendering), "restored") == "restored"
    assert wording.message_reason("dummy") == "Số điện thoại không có thật"
    assert wording.message_reason("restored") != "restored"


def leaves(words: Any, path: str = "") -> Iterator[tuple[str, str | None]]:
    """Each word below a part of the words, by where it stands; ``None``: it is taken away."""
    for key, word in words.items() if isinstance(words, dict) else enumerate(words):
        where = f"{path}.{key}".lstrip(".")
        if word is None or isinstance(word, str):
            yield where, word
        else:
            yield from leaves(word, where)


def test_font_of_the_same_name_that_a_machine_has_is_never_taken(tmp_path):
    from matplotlib import font_manager, get_data_path

    fonts, own = font_manager.fontManager, Path(get_data_path()).resolve()
    (lookalike,) = (each.fname for each in fonts.ttflist if each.fname == str(own / "fonts/ttf/DejaVuSans.ttf"))
    kept = list(fonts.ttflist)
    try:
        fonts.addfont(shutil.copy(lookalike, tmp_path / "DejaVuSans.ttf"))
        assert len(fonts.ttflist) == len(kept) + 1
        taken = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans"))
    finally:
        fonts.ttflist[:] = kept
        fonts._findfont_cached.cache_clear()
    assert Path(taken).is_relative_to(own)


def another_word(part: str, name: str) -> Callable[[pytest.MonkeyPatch, Path], None]:
    def change(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        words = wording.publication_words()[part]
        monkeypatch.setitem(words, name, f"{words[name]}!")

    return change


def count_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reconciliation, "SENT", ("accepted", "delivered", "undelivered"))


def round_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(wording.decimal, "__defaults__", (2,))


def another_template(name: str, old: str, new: str) -> Callable[[pytest.MonkeyPatch, Path], None]:
    def change(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        folder = tmp_path / "templates" / "report"
        shutil.copytree(include_dir() / "templates" / "report", folder)
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        for module in (templating, publication_pdf):
            monkeypatch.setattr(module, "include_dir", lambda: tmp_path)

    return change


@pytest.mark.guarantee(
    "publications",
    "what changes one printed word, layout or sum without raising that number is caught",
)
@pytest.mark.parametrize(
    ("change", "file"),
    [
        pytest.param(another_word("summary", "balanced"), PAGE, id="word"),
        pytest.param(another_word("charts", "late_share"), PDF, id="word of a chart"),
        pytest.param(another_word("charts", "before"), PDF, id="word of its legend"),
        pytest.param(count_otherwise, PAGE, id="sum of the domain"),
        pytest.param(round_otherwise, PAGE, id="decimals"),
        pytest.param(another_template("publication.html", "font-size: 21px", "font-size: 22px"), PAGE, id="page"),
        pytest.param(another_template("publication.typ", "pt", "pt + 0.1pt"), PDF, id="print"),
    ],
)
def test_whatever_changes_one_printed_word_or_figure_is_caught(monkeypatch, tmp_path, change, file):
    publication_page._templates.cache_clear()
    change(monkeypatch, tmp_path)
    files = render(golden.REPORTS["month"](RENDERING), golden.CORRECTED)
    publication_page._templates.cache_clear()
    kept = golden.recorded()[RENDERING]
    known = next(each for name, each in kept.items() if name != "everywhere")
    was, made = (known, golden.of_libraries(files)) if file == PDF else (
        kept["everywhere"], golden.of_everywhere("month", files),
    )  # fmt: skip
    assert f"month: {file}" in golden.changed(was, {"month": made})


UNTOLD = {
    "charts.before": "drawn as outlines; see above",
    "charts.late_share": "drawn as outlines; see above",
    "charts.whole": "drawn as outlines",
    "workbook.file": "what a file is called in a mail",
    "workbook.file_pdf": "what a file is called in a mail",
    "workbook.file_manifest": "what a file is called in a mail",
    "workbook.beyond": "takes more rows than a sheet holds",
}
"""Words that no golden publication says, and why."""


@pytest.mark.guarantee(
    "publications",
    "what changes one printed word, layout or sum without raising that number is caught",
)
@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("rendering", sorted(RENDERINGS))
def test_golden_publications_say_every_word_that_a_publication_can_say(rendering, monkeypatch):
    # A print says what the page says and a chart is outlines: neither is read.
    monkeypatch.setattr(publication_files, "pdf", lambda document, made_at: b"%PDF")
    monkeypatch.setattr(publication_charts, "_svg", lambda *said: ("<svg/>", 1.0))
    words = words_of(rendering)
    kept = dict(leaves(words))
    if rendering != RENDERING:
        now = dict(leaves(wording.publication_words()))
        # The others are said by the present one.
        kept = {path: word for path, word in kept.items() if now.get(path) != word}
    try:
        # One letter each, of Unicode's private ones.
        marks = {path: chr(0xE000 + place) for place, path in enumerate(kept)}
        mark(words, "", marks)
        untold = {letter: path for path, letter in marks.items() if path not in UNTOLD}
        for name in sorted(golden.REPORTS, key=SAYS_MOST.__ne__):
            if untold:
                corrected = None if name == "unread day" else golden.CORRECTED
                for file in render(golden.REPORTS[name](rendering), corrected, rendering):
                    for letter in {*file.about, *letters(file.content)} & untold.keys():
                        del untold[letter]
    finally:
        wording.publication_words.cache_clear()
    assert list(untold.values()) == []


SAYS_MOST = "everything, with stops"
"""The report that is asked first: what it says need not be looked for in others."""


def mark(words: Any, path: str, marks: dict[str, str]) -> None:
    """Ends each word with its mark."""
    for key, word in list(words.items()) if isinstance(words, dict) else list(enumerate(words)):
        where = f"{path}.{key}".lstrip(".")
        if isinstance(word, str):
            words[key] = word + marks.get(where, "")
        else:
            mark(word, where, marks)


def letters(content: bytes) -> str:
    """What can be read of a page, a workbook, a table; nothing of a print, which says what the page says."""
    if content.startswith(b"%PDF"):
        return ""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return "".join(book.read(name).decode() for name in book.namelist())
    return content.decode()


# ------------------------------------------------------------------------------------------------- made by


@pytest.mark.guarantee("publications", "comments and line ends of the source change nothing of what made a publication")
def test_comments_and_line_ends_of_the_source_are_no_part_of_what_made_a_publication(tmp_path):
    for folder in ("plugins", "include"):
        shutil.copytree(include_dir().parent / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    changed = [
        *(tmp_path / "plugins/motcua/reports").rglob("*.py"),
        tmp_path / "plugins/motcua/domain/reconciliation.py",
    ]
    for path in [*changed, *(tmp_path / "include/templates/report").glob("*.yaml")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"# One comment.\r\n")
    script = (
        "import json; from tests import golden_publications as golden;"
        "from motcua.reports.publication import again;"
        "files = golden.publication('empty day');"
        "print(json.dumps([again.__file__, again.made_by(), {each.name: each.sha256 for each in files}]))"
    )
    paths = os.pathsep.join([str(tmp_path / "plugins"), str(include_dir().parent)])
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    file, by, files = json.loads(run.stdout)
    assert file.startswith(str(tmp_path))
    assert made_otherwise(by) == {}
    assert files == {each.name: each.sha256 for each in golden.publication("empty day")}


def test_publications_from_before_the_number_are_of_the_first_rendering():
    before = {name: value for name, value in made_by().items() if name != "rendering"} | {"reports": BEFORE}
    assert (made_otherwise(before), rendering_of(before)) == ({}, 1)
    assert made_otherwise(before | {"reports": "f" * 64}) == {"rendering": ("f" * 64, RENDERING)}
    assert made_otherwise({}).keys() == made_by().keys() - {"python"}


def test_another_number_library_or_machine_may_make_other_bytes_and_another_python_does_not():
    assert made_otherwise(made_by() | {"python": "3.13"}) == {}
    for name, other in (("rendering", RENDERING + 1), ("typst", "0.1"), ("machine", "Darwin arm64")):
        assert made_otherwise(made_by() | {name: other}) == {name: (other, made_by()[name])}
    for number in RENDERINGS:
        by = made_by() | {"rendering": number}
        assert (made_otherwise(by), rendering_of(by)) == ({}, number), "made again by its own"
    assert rendering_of(made_by() | {"rendering": RENDERING + 1}) == RENDERING
