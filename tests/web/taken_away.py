"""A list that was taken away as a file, read as a spreadsheet reads it."""

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
    """What stands in a file."""

    title: str
    notes: list[str]
    """Below the title: what it holds, and when that held; a CSV file has neither."""
    head: list[str]
    rows: list[list[str]]
    """Each cell as it is written, an empty one as an empty text."""
    is_text: bool
    """No cell is a formula, or would be taken for one."""

    def by_head(self) -> list[dict[str, str]]:
        """The rows, each cell by the head of its column."""
        return [dict(zip(self.head, row, strict=True)) for row in self.rows]


def read_csv(content: bytes) -> TakenAway:
    """Of a CSV file; a quote that keeps a text from being a formula is told by ``is_text``, and taken away again."""
    assert content.startswith(b"\xef\xbb\xbf"), "Excel would not take it for UTF-8"
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    is_text = not [each for line in lines for each in line if each.startswith(_STARTS) and not _NUMBER.fullmatch(each)]
    return _read([[], *([each.removeprefix("'") for each in line] for line in lines)], is_text)


def read_workbook(content: bytes) -> TakenAway:
    """Of a workbook."""
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    cells = [[cell for cell in line if cell.value is not None] for line in sheet.iter_rows()]
    is_text = all(cell.data_type in ("s", "inlineStr", "n", "d") for line in cells for cell in line)
    return _read([_trimmed(line) for line in sheet.iter_rows(values_only=True)], is_text)


def read_file(answer: Any) -> TakenAway:
    """Of either form."""
    assert answer.status_code == 200, answer.text
    is_csv = answer.headers["content-type"].startswith("text/csv")
    return (read_csv if is_csv else read_workbook)(answer.content)


def _trimmed(line: tuple[Any, ...]) -> list[str]:
    written = ["" if value is None else str(value).replace("_x000D_", "\r") for value in line]
    while written and not written[-1]:
        written.pop()
    return written


def _read(lines: list[list[str]], is_text: bool) -> TakenAway:
    above = lines.index([])
    head, *rows = lines[above + 1 :]
    wide = len(head)
    title, *notes = [line[0] for line in lines[:above]] or [""]
    return TakenAway(title, notes, head, [_filled(row, wide) for row in rows], is_text)


def _filled(row: list[str], wide: int) -> list[str]:
    return row + [""] * (wide - len(row))
