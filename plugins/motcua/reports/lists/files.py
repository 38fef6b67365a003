"""Lists that people take away: rows as a CSV file, in pieces, or as a workbook of one sheet.

A CSV file is the heads of the columns and the rows, as whatever reads one expects. A workbook begins with what it
holds: a title, what the rows were narrowed down to, and when they held. Whatever a cell holds stays text in a
spreadsheet: nothing of it is a formula, and a code keeps its zeros in a workbook. Moments stand on the clock of
Vietnam, as ``2026-11-25 10:00:00`` below a head that says so, and days as ``2026-11-25``: spreadsheets of any language
take both for what they are, which they do not where a zone stands beside them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
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
    "day": PLAIN | CELL | {"num_format": f"{VIETNAMESE}d/m/yyyy", "align": "left"},
    "moment": PLAIN | CELL | {"num_format": f"{VIETNAMESE}d/m/yyyy hh:mm:ss", "align": "left"},
    "link": TEXT | CELL | {"font_color": "#1D5FD1", "underline": 1},
}
_LONGEST_ADDRESS = 2_000
"""Characters; a longer one is no link in Excel."""


class Link(NamedTuple):
    """Words that lead to a page, where a list can hold a link."""

    words: str
    to: str
    """Its address below the pages; or a whole one."""


class Word(NamedTuple):
    """A code of ours in words."""

    code: str
    """What commands, which speak to machines too, write."""
    words: str
    tone: str | None
    """Its colour on a page: ``ok``, ``warn``, ``bad``, or none of them; ``None``: it has no look of its own."""


Cell: TypeAlias = str | int | date | datetime | Link | Word | None
Row: TypeAlias = Sequence[Cell]
"""A row of another length than the columns is a note about the rows."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file."""

    head: str
    width: int
    """Letters."""


@dataclass(frozen=True, slots=True)
class ListHead:
    """What stands above the rows: of a CSV file the heads of the columns alone."""

    title: str
    about: Sequence[str]
    """What they were narrowed down to, and how many there may be; one line each."""
    as_of: datetime | None
    """When they held; ``None``: nobody knows."""
    columns: Sequence[FileColumn]
    pages: str = ""
    """The whole address of the pages, to which links lead."""

    @property
    def notes(self) -> list[str]:
        """The lines below the title."""
        words = list_words()["file"]
        as_of = words["as_of"].format(moment=moment(self.as_of)) if self.as_of else words["as_of_unknown"]
        return [*(each for each in self.about if each), as_of]


def csv_pieces(head: ListHead, pieces: Iterable[Sequence[Row]]) -> Iterator[bytes]:
    """The file, piece by piece: a piece of rows is written when the one before it was taken."""
    yield _lines([[each.head for each in head.columns]], _BYTE_ORDER_MARK)
    for rows in pieces:
        yield _lines(rows)


def _lines(rows: Iterable[Row], begins: str = "") -> bytes:
    text = io.StringIO(begins)
    text.seek(0, io.SEEK_END)
    csv.writer(text, lineterminator="\r\n").writerows([_plain(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _plain(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return f"{cell.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}"
        case date():
            return cell.isoformat()
        case int():
            return str(cell)
        case Link() | Word():
            text = cell.words
        case _:
            text = cell
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def list_workbook(head: ListHead, pieces: Iterable[Sequence[Row]], made_at: datetime) -> bytes:
    """The workbook, each row written to disk as it comes."""
    book = _ListBook(head, made_at)
    for rows in pieces:
        for row in rows:
            book.row(row)
    return book.end()


class _ListBook(Book):
    def __init__(self, head: ListHead, made_at: datetime) -> None:
        words = list_words()["file"]
        footer = f"{head.title}, {moment(made_at)}"
        super().__init__(head.title, made_at, _LOOKS, {"list": words["sheet"]}, footer, words["page"])
        self._sheet = self.sheet("list")
        self._wide, self._pages = len(head.columns), head.pages
        for place, column in enumerate(head.columns):
            self._sheet.set_column(place, place, column.width)
        self._text(0, 0, head.title, "title")
        notes = head.notes
        for line, note in enumerate(notes, 1):
            self._text(line, 0, note, "name")
        self._line = self._head = self._last = len(notes) + 2
        for place, column in enumerate(head.columns):
            self._text(self._head, place, column.head, "head")
        self._sheet.freeze_panes(self._head + 1, 0)
        self._sheet.repeat_rows(self._head)

    def row(self, cells: Row) -> None:
        self._line += 1
        if len(cells) == self._wide:
            self._last = self._line
            for place, cell in enumerate(cells):
                self._cell(place, cell)
        else:
            self._text(self._line, 0, str(cells[0]), "name")

    def _cell(self, place: int, cell: Cell) -> None:
        sheet, line = self._sheet, self._line
        match cell:
            case datetime():
                # A part of a second would be shown as the next one.
                local = cell.astimezone(VIETNAM).replace(tzinfo=None, microsecond=0)
                sheet.write_datetime(line, place, local, self._look["moment"])
            case date():
                sheet.write_datetime(line, place, cell, self._look["day"])
            case int():
                sheet.write_number(line, place, cell, self._look["number"])
            case Link(words, to) if len(address := to if "://" in to else self._pages + to) <= _LONGEST_ADDRESS:
                sheet.write_url(line, place, address, self._look["link"], words)
            case Link() | Word():
                self._text(line, place, cell.words, "cell")
            case _:
                self._text(line, place, cell or "", "cell")

    def _text(self, line: int, place: int, text: str, look: str) -> None:
        self._sheet.write_string(line, place, text, self._look[look])

    def end(self) -> bytes:
        if self._last > self._head:
            self._sheet.autofilter(self._head, 0, self._last, self._wide - 1)
        return self.close()
