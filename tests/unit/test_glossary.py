"""Test that one thing has one name.

Words that docs/vi/thuat-ngu.md replaces may appear in no text that staff or citizens read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "vi" / "thuat-ngu.md"

READ = (
    "include/templates",
    "include/quality",
    "include/agencies.yaml",
    "docs/vi",
    "plugins",
    "dags",
)
SUFFIXES = {".html", ".md", ".py", ".txt", ".typ", ".yaml"}
OTHERS_WORDS = {
    "docs/vi/thuat-ngu.md": "lists the words to avoid",
    "include/templates/sms": "these texts are registered with carriers",
    "include/templates/report/complaints.vi.yaml": "also lists words of files that others hand in",
    "plugins/motcua/sandbox": "imitates desks and carriers, who use other words",
}


def avoided() -> dict[str, str]:
    """Return each word to avoid, with the word that replaces it."""
    rows = (line.strip().strip("|").split("|") for line in GLOSSARY.read_text().splitlines() if line.startswith("|"))
    cells = [[cell.strip() for cell in row] for row in rows]
    return {word: row[0] for row in cells for word in row[2].split(", ") if word and row[0] not in ("Viết", "---")}


def pattern(instead: dict[str, str]) -> re.Pattern[str]:
    """Return a pattern for each word to avoid: as it is, with a capital letter, and in capitals.

    Forms that equal a right word are left out.
    """
    forms = {form for word in instead for form in (word, word[0].upper() + word[1:], word.upper())}
    forms -= {form for right in instead.values() for form in (right, right.upper())}
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, sorted(forms, key=len, reverse=True))) + r")(?!\w)")


def texts() -> Iterator[tuple[str, str]]:
    """Yield the path and text of each file with words that staff or citizens read."""
    for place in READ:
        below = ROOT / place
        for path in [below] if below.is_file() else sorted(below.rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            skipped = any(name == other or name.startswith(f"{other}/") for other in OTHERS_WORDS)
            if path.suffix in SUFFIXES and not skipped:
                yield name, unicodedata.normalize("NFC", path.read_text())


def lines_with(found: re.Pattern[str], text: str) -> list[tuple[int, str]]:
    """Return line and word of each hit, including words that are broken over two lines."""
    joined = re.sub(r"\n\s*", " ", text)
    if not found.search(joined):
        return []
    return [(text.count("\n", 0, hit.start()) + 1, hit.group()) for hit in _over_line_breaks(found).finditer(text)]


def _over_line_breaks(found: re.Pattern[str]) -> re.Pattern[str]:
    """Return the pattern with any blank or line break between the words."""
    return re.compile(found.pattern.replace(r"\ ", r"\s+"))


def test_a_thing_has_one_name() -> None:
    """Staff would be confused by two words for one thing, so the words to avoid are in no text."""
    instead = avoided()
    assert len(instead) >= 15
    found = pattern(instead)
    read = list(texts())
    assert len(read) > 100
    wrong = [f"{name}:{line}: “{word}”" for name, text in read for line, word in lines_with(found, text)]
    assert not wrong, "\n".join(["docs/vi/thuat-ngu.md says what to write instead:", *wrong])


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("gửi cho người\n    dân của xã", ["người\n    dân"]),
        ("TIN ĐÃ ĐẾN MÁY", ["ĐẾN MÁY"]),
        ("Bộ phận một cửa", ["Bộ phận một cửa"]),
        ("phần mềm một cửa", []),
    ],
)
def test_a_word_is_found_however_a_line_is_broken(text: str, hits: list[str]) -> None:
    assert [word for _, word in lines_with(pattern(avoided()), text)] == hits


def test_reconciling_with_dossiers_and_with_carriers_have_names_of_their_own() -> None:
    """Staff would confuse two jobs: đối chiếu is reconciliation with dossiers, đối soát with carrier statements.

    A page about carrier statements must never say đối chiếu.
    """
    found = 0
    for name, text in texts():
        of_carrier = "statement" in name or "doi-soat" in name or "reconcile_carrier" in name
        if of_carrier and name.endswith((".html", ".md", ".yaml")):
            found += text.lower().count("đối soát")
            assert "đối chiếu" not in text.lower(), f"{name} is about carriers' statements: đối soát"
    assert found > 5
