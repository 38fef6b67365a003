"""Lists as they are declared, one file each: what it is called, its filters, its columns, who sees
which; and their files.

A column is one entry of ``include/templates/lists/<name>.yaml``: its head, the value of a row that it tells, how that
is shown, where, and from whom it is hidden. Page, files and command have it from there. What an entry cannot say is a
function of the list's own, by the column's name (``motcua.jobs.listing``).

A CSV file is the heads of the columns and the rows, as whatever reads one expects. A workbook begins with what it
holds: a title, what the rows were narrowed down to, and when they held. Whatever a cell holds stays text in a
spreadsheet: nothing of it is a formula, and a code keeps its zeros in a workbook. Moments stand on the clock of
Vietnam, as ``2026-11-25 10:00:00`` below a head that says so, and days as ``2026-11-25``: spreadsheets of any language
take both for what they are, which they do not where a zone stands beside them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import urlencode

import yaml
from pydantic import BaseModel, ConfigDict

from motcua.domain.clock import VIETNAM
from motcua.domain.people import Viewer, ViewerRole
from motcua.domain.phones.reading import mask_phones
from motcua.reports import wording
from motcua.reports.publication.csv_tables import FORMULA_STARTS
from motcua.reports.spreadsheets import CELL, NUMBER, PLAIN, TEXT, VIETNAMESE, Book
from motcua.reports.wording import list_words, moment
from motcua.settings import include_dir

# --- Files -----------------------------------------------------------------------------------------------------------

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


# --- Declarations ----------------------------------------------------------------------------------------------------

ListPlace: TypeAlias = Literal["page", "file", "command", "mail"]
ColumnKind: TypeAlias = Literal[
    "plain", "moment", "day", "figure", "code", "text", "words", "reason", "agency", "dossier", "phone", "masked"
]
"""How a value is shown: as it is, a moment by the clock of Vietnam, its day, a count, what machines write, sentences,
words for a code, why a message stands as it does, an agency by its name, a dossier by its code with its page, a phone
number as much as the viewer may see, what others typed without numbers."""
FilterKind: TypeAlias = Literal["agency", "choice", "days", "procedure", "name", "hidden"]
"""What one chooses by: an agency, one of some codes, two days, a procedure by name or code, a name, what goes with
another filter."""


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Declared):
    """A column of a list."""

    head: str
    of: str = ""
    """Which value of a row it tells; by default the one of its own name."""
    shown: ColumnKind = "plain"
    words: str = ""
    """Where the words of its codes stand: a part of include/templates/web/lists/words.vi.yaml or of a publication's."""
    places: tuple[ListPlace, ...] = ("page", "file")
    command: str = ""
    """Its head in a terminal, which has it where this is given."""
    hidden_from: tuple[ViewerRole, ...] = ()
    under: str = ""
    """On the page it stands below another column's value, without a column of its own."""
    lead: str = ""
    """A word before it, there."""
    none: str = "–"
    """What stands there where a row has no value."""
    quiet: bool = False
    """It stands there as a remark."""
    width: int = 19
    """Letters, in a workbook."""
    sorts: bool = True
    sort_by: str = ""
    """The column by whose values it sorts; by default its own."""

    @property
    def is_moment(self) -> bool:
        """It tells hours, so that a file says by which clock."""
        return self.shown == "moment"


class Filter(_Declared):
    """What a list is narrowed down by."""

    shown: FilterKind
    head: str = ""
    every: str = ""
    """What is chosen where nothing is narrowed down."""
    words: str = ""
    """Of a choice: as of a column."""
    only: tuple[str, ...] = ()
    """Of a choice: the codes; by default all that have words."""
    of_none: bool = False
    """Of an agency: also what is of none."""
    command: str = ""
    """What it does, for a terminal, which has it where this is given."""


class DeclaredList(_Declared):
    """A list of rows."""

    title: str
    file: str
    """Its file's name without moment and ending."""
    unit: str
    """What one row is, after a number."""
    order: str
    """In which order the rows are, in words."""
    empty: str
    """Said where there is nothing at all."""
    lead: str = ""
    """Says on its page what it holds, where nothing was chosen."""
    page: int = 15
    """Rows of a page."""
    newest: bool = False
    """A file of it ends with the oldest where it cannot have all."""
    most: int = MOST_ROWS
    """Rows of a file."""
    filters: Mapping[str, Filter] = {}
    columns: Mapping[str, Column]

    def columns_for(self, viewer: Viewer, place: ListPlace) -> dict[str, Column]:
        """The columns that a viewer sees in a place, by name."""
        return {
            name: each
            for name, each in self.columns.items()
            if viewer.role not in each.hidden_from and (each.command if place == "command" else place in each.places)
        }

    def file_columns(self, viewer: Viewer) -> list[FileColumn]:
        """The heads of a file for a viewer; those of moments say by which clock."""
        zone = wording.list_words()["file"]["zone"]
        return [
            FileColumn(zone.format(head=each.head) if each.is_moment else each.head, each.width)
            for each in self.columns_for(viewer, "file").values()
        ]


@cache
def declared_list(name: str) -> DeclaredList:
    """The list that include/templates/lists/<name>.yaml declares."""
    text = (include_dir() / "templates" / "lists" / f"{name}.yaml").read_text(encoding="utf-8")
    return DeclaredList.model_validate(yaml.safe_load(text))


def load_every_list() -> list[str]:
    """Names of all lists, each of which is read."""
    names = sorted(path.stem for path in (include_dir() / "templates" / "lists").glob("*.yaml"))
    for name in names:
        declared_list(name)
    return names


@cache
def words_of(part: str) -> Mapping[str, str]:
    """Words by code: a part of the words of lists, as ``statement.verdict``; ``publication.outcome``: of those of
    publications, whose parts need no such name where lists have none of theirs; ``a+b``: of both."""
    found: dict[str, str] = {}
    for each in part.split("+"):
        words: Any = wording.list_words() | {"publication": wording.publication_words()}
        names = each.split(".")
        if names[0] not in words:
            words = wording.publication_words()
        for name in names:
            words = words[name]
        found |= {str(code): str(word) for code, word in words.items()}
    return found


# --- What stands in a cell ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """Who is shown rows, and what puts their codes into words."""

    viewer: Viewer
    names: Mapping[str, str]
    """Agency code → name."""


OwnCell: TypeAlias = Callable[[Any, Seen], Cell]
"""Tells what an entry alone cannot: a cell of a row, to a viewer."""


def value_of_row(row: Any, name: str) -> Any:  # noqa: ANN401 - rows are of any type, or as a statement gives them
    """A value of a row by its name; ``a.b``: what is called b of its a."""
    for each in name.split("."):
        row = row[each] if isinstance(row, Mapping) else getattr(row, each)
    return row


def cell_of(name: str, column: Column, row: Any, seen: Seen, own: Mapping[str, OwnCell]) -> Cell:  # noqa: ANN401 - as there
    """What stands in a column's cell, to a viewer."""
    if name in own:
        return own[name](row, seen)
    value = value_of_row(row, column.of or name)
    if value is None or value == "":
        return None
    return _CELLS[column.shown](value, row, column, seen)


def dossier_link(agency_code: str | None, dossier_code: str) -> Link:
    """A dossier's code, which leads to its page."""
    query = ({"agency": agency_code} if agency_code else {}) | {"code": dossier_code}
    return Link(dossier_code, f"/dossiers?{urlencode(query)}")


def _word(value: Any, row: Any, column: Column, seen: Seen) -> Cell:  # noqa: ANN401 - as all of them
    tones = wording.list_words()["tone"].get(column.words)
    return Word(str(value), words_of(column.words).get(str(value), str(value)), tones and tones.get(value, ""))


_CELLS: dict[ColumnKind, Callable[[Any, Any, Column, Seen], Cell]] = {
    "plain": lambda value, row, column, seen: value,
    "moment": lambda value, row, column, seen: value,
    "day": lambda value, row, column, seen: value.astimezone(VIETNAM).date() if isinstance(value, datetime) else value,
    "figure": lambda value, row, column, seen: round(value) if isinstance(value, Decimal) else value,
    "code": lambda value, row, column, seen: mask_phones(str(value)),
    "text": lambda value, row, column, seen: str(value),
    "words": _word,
    "reason": lambda value, row, column, seen: Word(
        value, wording.message_reason(value, code=seen.viewer.is_operator), None
    ),
    "agency": lambda value, row, column, seen: seen.names.get(value, value),
    "dossier": lambda value, row, column, seen: dossier_link(value_of_row(row, "agency_code"), value),
    "phone": lambda value, row, column, seen: seen.viewer.phone(value) or None,
    "masked": lambda value, row, column, seen: seen.viewer.text(str(value)),
}
