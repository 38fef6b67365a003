"""Read lists that a test downloaded as a CSV file or a workbook, as a spreadsheet program reads them."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Any

import openpyxl

_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?\d+")


@dataclass(frozen=True)
class TakenAway:
    """The content of a downloaded list."""

    title: str
    """The first line of a workbook; empty for a CSV file."""
    notes: list[str]
    """The lines below the title. They say which rows the file has, and as of when. A CSV file has none."""
    head: list[str]
    rows: list[list[str]]
    """The cells as texts; an empty cell is an empty text."""
    is_text: bool
    """Whether no cell is a formula and no spreadsheet would read a cell as a formula."""

    def by_head(self) -> list[dict[str, str]]:
        """Return the rows as mappings from the heading of a column to the cell."""
        return [dict(zip(self.head, row, strict=True)) for row in self.rows]


def read_csv(content: bytes) -> TakenAway:
    """Read a CSV file.

    A leading quote (') marks a text that a spreadsheet would otherwise read as a formula. ``is_text`` reports whether
    each such text has its quote. The cells are returned without these quotes.
    """
    assert content.startswith(b"\xef\xbb\xbf"), "without this mark Excel does not read the file as UTF-8"
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    is_text = not [each for line in lines for each in line if each.startswith(_STARTS) and not _NUMBER.fullmatch(each)]
    return _parse_lines([[], *([each.removeprefix("'") for each in line] for line in lines)], is_text)


def read_workbook(content: bytes) -> TakenAway:
    """Read the first sheet of a workbook."""
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    cells = [[cell for cell in line if cell.value is not None] for line in sheet.iter_rows()]
    is_text = all(cell.data_type in ("s", "inlineStr", "n", "d") for line in cells for cell in line)
    return _parse_lines([_cells_of_line(line) for line in sheet.iter_rows(values_only=True)], is_text)


def read_file(answer: Any) -> TakenAway:
    """Read the file of an answer, a CSV file or a workbook."""
    assert answer.status_code == 200, answer.text
    is_csv = answer.headers["content-type"].startswith("text/csv")
    return (read_csv if is_csv else read_workbook)(answer.content)


def _cells_of_line(line: tuple[Any, ...]) -> list[str]:
    """Return the cells of a workbook's line as texts, without empty cells at the end."""
    written = ["" if value is None else str(value).replace("_x000D_", "\r") for value in line]
    while written and not written[-1]:
        written.pop()
    return written


def _parse_lines(lines: list[list[str]], is_text: bool) -> TakenAway:
    """Split the lines of a file into title, notes, heading and rows."""
    above = lines.index([])
    head, *rows = lines[above + 1 :]
    wide = len(head)
    title, *notes = [line[0] for line in lines[:above]] or [""]
    return TakenAway(title, notes, head, [_padded_row(row, wide) for row in rows], is_text)


def _padded_row(row: list[str], wide: int) -> list[str]:
    """Return a row, filled up with empty texts to the width of the heading."""
    return row + [""] * (wide - len(row))
