"""Test that the pictures in docs/ and README.md exist, that ``make pictures`` makes them, and that each is used."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from tests.pictures.listed import PICTURES
from tests.pictures.taking import FOLDER, LARGEST, NARROWEST, PDF, print_sheet

ROOT = Path(__file__).parents[2]
SHORTEST_WORDS = 30
"""Least number of letters of an alternative text, which must describe the picture."""


def shown(text: str) -> list[tuple[str, str]]:
    """Return the alternative text and the address of each picture of a page."""
    return re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text)


def pages() -> list[Path]:
    return sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])


def shown_by_all() -> list[tuple[Path, str, Path]]:
    """Return the page, the alternative text and the file of each picture that a page shows."""
    return [
        (page, words, (page.parent / address).resolve())
        for page in pages()
        for words, address in shown(page.read_text(encoding="utf-8"))
        if "://" not in address
    ]


def test_pictures_that_pages_show_are_those_that_the_command_takes_and_those_that_are_kept():
    """The pages show exactly the pictures that ``make pictures`` takes, and the folder has no others."""
    taken = {FOLDER / f"{name}.png" for name in PICTURES}
    assert len(taken) >= 10
    assert {file for _, _, file in shown_by_all() if file.parent == FOLDER} == taken
    assert {file for file in FOLDER.iterdir() if file.is_file()} == taken


def test_a_picture_that_a_page_shows_is_wide_enough_and_says_in_words_what_is_on_it():
    every = shown_by_all()
    assert every
    assert [str(file) for _, _, file in every if not file.is_file()] == []
    assert [f"{page.name}: {words}" for page, words, _ in every if len(words) < SHORTEST_WORDS] == []
    for name in PICTURES:
        file = FOLDER / f"{name}.png"
        assert file.stat().st_size <= LARGEST, name
        with Image.open(file) as picture:
            assert picture.width >= NARROWEST, name


def test_sheet_for_the_wall_is_printed_from_its_source_as_it_is_on_one_page_of_a4():
    """The printed sheet in the repository must be made from its present source, and fit on one page."""
    pdf = PDF.read_bytes()
    assert pdf == print_sheet(), "run make pictures, which prints docs/vi/to-dan-tuong-quay.typ anew"
    boxes = re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf)
    assert [[round(float(each)) for each in box.split()] for box in boxes] == [[0, 0, 595, 842]]
