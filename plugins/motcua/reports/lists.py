"""Lists that people take away: rows as a CSV file, in pieces, or as a workbook of one sheet.

Whatever a cell holds stays text in a spreadsheet: nothing of it is a formula, and a code keeps its zeros in a workbook.
Moments stand on the clock of Vietnam, as ``2026-11-25 10:00:00``, which spreadsheets of any language read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.reports.publication.csv_tables import FORMULA_STARTS
from motcua.reports.spreadsheets import CELL, NUMBER, PLAIN, TEXT, VIETNAMESE, Book
from motcua.reports.wording import list_words, moment

MOST_ROWS = 20_000
"""Rows of a file."""
_BYTE_ORDER_MARK = "\ufeff"
"""Excel takes a CSV file for UTF-8 only where it begins so."""
_LOOKS = {
    "cell": TEXT | CELL | {"text_wrap": True},
    "number": NUMBER,
    "moment": PLAIN | CELL | {"num_format": f"{VIETNAMESE}d/m/yyyy hh:mm:ss", "align": "left"},
    "link": TEXT | CELL | {"font_color": "#1D5FD1", "underline": 1},
}
_LONGEST_ADDRESS = 2_000
"""Characters; a longer one is no link in Excel."""


class Link(NamedTuple):
    """Words that lead to a page, where the file can hold a link."""

    words: str
    address: str
    """The whole of it."""


Cell: TypeAlias = str | int | datetime | Link | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list."""

    head: str
    width: int
    """Letters."""


_WIDTHS = {
    "dossier_code": 30,
    "agency": 28,
    "reason": 32,
    "text": 70,
    "asked_code": 30,
    "segments": 9,
    "message_id": 12,
}
_USUAL_WIDTH = 19


def columns_of(names: Sequence[str]) -> list[Column]:
    """Columns by their names in include/templates/web/messages/words.vi.yaml."""
    heads = list_words()["column"]
    return [Column(heads[name], _WIDTHS.get(name, _USUAL_WIDTH)) for name in names]


def csv_pieces(columns: Sequence[Column], pieces: Iterable[Sequence[Sequence[Cell]]]) -> Iterator[bytes]:
    """The file, piece by piece: a piece of rows is written when the one before it was taken."""
    yield _lines([[column.head for column in columns]], _BYTE_ORDER_MARK)
    for rows in pieces:
        yield _lines([[_plain(cell) for cell in row] for row in rows])


def _lines(rows: Iterable[Sequence[str]], begins: str = "") -> bytes:
    text = io.StringIO(begins)
    text.seek(0, io.SEEK_END)
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _plain(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return f"{cell.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}"
        case int():
            return str(cell)
        case Link():
            text = cell.words
        case _:
            text = cell
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def list_workbook(
    title: str,
    notes: Sequence[str],
    columns: Sequence[Column],
    pieces: Iterable[Sequence[Sequence[Cell]]],
    made_at: datetime,
) -> bytes:
    """The workbook: title and notes, then the rows, each written to disk as it comes. A row of one cell is a note."""
    book = _ListBook(title, made_at)
    book.begin(title, notes, columns)
    for rows in pieces:
        for row in rows:
            book.row(row)
    return book.end()


class _ListBook(Book):
    def __init__(self, title: str, made_at: datetime) -> None:
        words = list_words()["file"]
        super().__init__(title, made_at, _LOOKS, {"list": words["sheet"]}, f"{title}, {moment(made_at)}", words["page"])
        self._sheet = self.sheet("list")
        self._line = self._head = self._last = 0
        self._wide = 1

    def begin(self, title: str, notes: Sequence[str], columns: Sequence[Column]) -> None:
        for place, column in enumerate(columns):
            self._sheet.set_column(place, place, column.width)
        self._sheet.write_string(0, 0, title, self._look["title"])
        for line, note in enumerate(notes, 1):
            self._sheet.write_string(line, 0, note, self._look["name"])
        self._line = self._head = self._last = len(notes) + 2
        self._wide = len(columns)
        for place, column in enumerate(columns):
            self._sheet.write_string(self._head, place, column.head, self._look["head"])
        self._sheet.freeze_panes(self._head + 1, 0)
        self._sheet.repeat_rows(self._head)

    def row(self, cells: Sequence[Cell]) -> None:
        self._line += 1
        if len(cells) == self._wide:
            self._last = self._line
            for place, cell in enumerate(cells):
                self._cell(place, cell)
        else:
            self._sheet.write_string(self._line, 0, str(cells[0]), self._look["name"])

    def _cell(self, place: int, cell: Cell) -> None:
        sheet, line = self._sheet, self._line
        match cell:
            case datetime():
                local = cell.astimezone(VIETNAM).replace(tzinfo=None)
                sheet.write_datetime(line, place, local, self._look["moment"])
            case int():
                sheet.write_number(line, place, cell, self._look["number"])
            case Link(words, address) if len(address) <= _LONGEST_ADDRESS:
                sheet.write_url(line, place, address, self._look["link"], words)
            case Link(words, _):
                sheet.write_string(line, place, words, self._look["cell"])
            case _:
                sheet.write_string(line, place, cell or "", self._look["cell"])

    def end(self) -> bytes:
        if self._last > self._head:
            self._sheet.autofilter(self._head, 0, self._last, self._wide - 1)
        return self.close()
