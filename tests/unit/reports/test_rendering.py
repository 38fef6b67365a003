"""What a publication's print is made of, and what its manifest says made it."""

from __future__ import annotations

import re
import shutil
import zlib
from pathlib import Path

import pytest

from motcua.reports.publication import manifest
from motcua.reports.publication.data import Told
from motcua.reports.publication.document import Paragraph, Table, compose_document
from motcua.reports.publication.files import pdf
from motcua.settings import include_dir
from tests import reconciliation_samples as samples

MONTH = compose_document(Told(samples.report()))
DAY = compose_document(Told(samples.report(samples.DAY)))


@pytest.fixture(scope="module")
def printed() -> dict[str, bytes]:
    """The prints of a month and of a day."""
    at = samples.report().closing.closed_at
    return {"month": pdf(MONTH, at), "day": pdf(DAY, at)}


@pytest.mark.parametrize("name", ["month", "day"])
def test_print_is_an_archivable_pdf_that_a_screen_reader_follows(printed, name):
    content = printed[name]
    assert content.startswith(b"%PDF-1.7")
    parts = (b"/Type/StructTreeRoot", b"/Lang(vi)", b"/S/TH/", b"/Marked true", b"<pdfaid:part>2</pdfaid:part>")
    assert [part for part in parts if part not in content] == []


@pytest.mark.parametrize(("name", "document"), [("month", MONTH), ("day", DAY)], ids=["month", "day"])
def test_print_says_every_line_and_figure_of_the_report(printed, name, document):
    said = without_blanks(text_of(printed[name]))
    assert without_blanks(document.software) in said
    lines = [section.title for section in document.sections]
    blocks = [block for section in document.sections for block in section.blocks]
    lines += [block.text for block in blocks if isinstance(block, Paragraph)]
    tables = [block for block in blocks if isinstance(block, Table)]
    lines += [line for table in tables for line in (table.caption, *(cell for row in table.rows for cell in row.cells))]
    assert [line for line in lines if without_blanks(line) not in said] == []


def test_print_of_a_month_is_a_document_that_is_signed_and_that_of_a_day_is_a_sheet(printed):
    month, day = (without_blanks(text_of(printed[name])) for name in ("month", "day"))
    for word in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Kính gửi:", "Nơi nhận:", "GIÁM ĐỐC", MONTH.grounds[0]):
        assert without_blanks(word) in month
        assert without_blanks(word) not in day


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


@pytest.mark.guarantee("publications", "whatever is changed in the software, a publication names another maker")
@pytest.mark.parametrize("name", ["publication.vi.yaml", "publication.typ", "phone_refusals.vi.yaml"])
def test_one_word_of_a_template_makes_it_other_software(monkeypatch, tmp_path, name):
    was = manifest.made_by()
    folder = tmp_path / "templates" / "report"
    shutil.copytree(include_dir() / "templates" / "report", folder)
    monkeypatch.setattr(manifest, "include_dir", lambda: tmp_path)
    assert manifest.made_by.__wrapped__() == was, "wherever it stands"
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    now = manifest.made_by.__wrapped__()
    assert {key for key in was if was[key] != now[key]} == {"source"}


def without_blanks(text: str) -> str:
    """As letters stand one after the other, wherever a line is broken."""
    # Bold and slanted, an ơ is set as two glyphs.
    return re.sub(r"[\s\u200b\u00ad]", "", text).replace("ơơ", "ơ")


_OBJECT = re.compile(rb"(\d+) 0 obj\s(.*?)\sendobj", re.S)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.S)
_INNER = rb"\((?:\\.|[^\\()])*\)"
"""Pairs of brackets need not be escaped."""
_SHOWN = re.compile(
    rb"/(?P<font>f\d+) [\d.]+ Tf|<(?!FEFF)(?P<hexed>[0-9A-F]+)>|\((?P<written>(?:\\.|[^\\()]|%s)*)\)" % _INNER,
    re.S,
)
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.S)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def text_of(content: bytes) -> str:
    """What a print of typst says: the letters of its glyphs, in the order in which they are set."""
    objects = {int(number): body for number, body in _OBJECT.findall(content)}

    def part(body: bytes, name: str) -> bytes:
        found = re.search(rb"/%s (\d+) 0 R" % name.encode(), body)
        assert found, name
        return objects[int(found[1])]

    said = []
    for page in (body for body in objects.values() if b"/Type/Page/" in body):
        resources = part(page, "Resources")
        names = re.findall(rb"/(f\d+) \d+ 0 R", resources)
        letters = {name: letters_of(packed(part(part(resources, name.decode()), "ToUnicode"))) for name in names}
        font: dict[bytes, str] = {}
        for found in _SHOWN.finditer(packed(part(page, "Contents"))):
            font = letters[found["font"]] if found["font"] else font
            glyphs = bytes.fromhex((found["hexed"] or b"").decode())
            glyphs += _ESCAPED.sub(lambda escaped: unescaped(escaped[1]), found["written"] or b"")
            said += [font[glyphs[place : place + 2]] for place in range(0, len(glyphs), 2)]
    return "".join(said)


def packed(body: bytes) -> bytes:
    """What a stream holds."""
    found = _STREAM.search(body)
    assert found
    return zlib.decompress(found[1]) if b"/FlateDecode" in body else found[1]


def unescaped(written: bytes) -> bytes:
    """One byte of a string of a PDF."""
    return bytes([int(written, 8)]) if written.isdigit() else _ESCAPES.get(written, written)


def letters_of(characters: bytes) -> dict[bytes, str]:
    """By glyph the letters that it stands for, of a font's table."""
    pairs = re.findall(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>\s*(?=<|end)", characters)
    return {bytes.fromhex(glyph.decode()): bytes.fromhex(to.decode()).decode("utf-16-be") for glyph, to in pairs}
