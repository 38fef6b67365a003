"""Read the declarations of lists, and write lists as files.

Each list is declared in ``include/templates/lists/<name>.yaml``: its title, its filters, its columns, and who may see
which column. The entry of a column gives the column's head, the value of a row that the column shows, the form of the
value, the places where the column is shown, and the roles that it is hidden from. Pages, files and commands use the
same entry. If an entry cannot describe the cells of a column, the list has a function with the column's name
(``motcua.jobs.listing``).

A CSV file has the heads of the columns and the rows, as programs expect. A workbook begins with a title, the filters,
and the moment of the data. Every cell with words stays text in a spreadsheet: it never becomes a formula, and in a
workbook a code keeps its leading zeros. Moments follow Vietnam's clock, as ``2026-11-25 10:00:00`` below a head that
names Vietnam's time. Days are written as ``2026-11-25``. Spreadsheets of any language recognize both forms, but not a
form with a time zone.
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
"""How many rows one file has at most."""
_BYTE_ORDER_MARK = "\ufeff"
"""Excel reads a CSV file as UTF-8 only if it begins with this mark."""
_LOOKS = {
    "cell": TEXT | CELL | {"text_wrap": True},
    "number": NUMBER,
    "day": PLAIN | CELL | {"num_format": f"{VIETNAMESE}d/m/yyyy", "align": "left"},
    "moment": PLAIN | CELL | {"num_format": f"{VIETNAMESE}d/m/yyyy hh:mm:ss", "align": "left"},
    "link": TEXT | CELL | {"font_color": "#1D5FD1", "underline": 1},
}
_LONGEST_ADDRESS = 2_000
"""How many characters a link's address may have. Excel accepts no longer address."""


class Link(NamedTuple):
    """Words that link to a page. A place that cannot show links shows only the words."""

    words: str
    to: str
    """The address below the staff pages, or a whole address."""


class Word(NamedTuple):
    """One of our own codes, with its words."""

    code: str
    """The code. Commands write it instead of the words, because programs read their output too."""
    words: str
    tone: str | None
    """The colour on a page: ``ok``, ``warn``, ``bad`` or empty for no colour. ``None`` if the word is plain text."""


Cell: TypeAlias = str | int | date | datetime | Link | Word | None
Row: TypeAlias = Sequence[Cell]
"""The cells of one row. A row with more or fewer cells than columns is a note about the other rows."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file."""

    head: str
    width: int
    """The width of the column, in letters."""


@dataclass(frozen=True, slots=True)
class ListHead:
    """The lines above the rows of a workbook. A CSV file has only the heads of the columns."""

    title: str
    about: Sequence[str]
    """The filters, and the limit on the number of rows, one line each."""
    as_of: datetime | None
    """The moment of the data. ``None`` if it is unknown."""
    columns: Sequence[FileColumn]
    pages: str = ""
    """The whole address of the staff pages, for links."""

    @property
    def notes(self) -> list[str]:
        """The lines below the title."""
        words = list_words()["file"]
        as_of = words["as_of"].format(moment=moment(self.as_of)) if self.as_of else words["as_of_unknown"]
        return [*(each for each in self.about if each), as_of]


def csv_pieces(head: ListHead, pieces: Iterable[Sequence[Row]]) -> Iterator[bytes]:
    """Yield the CSV file in pieces. The next piece of rows is read only after the piece before it was consumed."""
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
    """Write the workbook. Each row goes to disk as it arrives."""
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
                # Excel may round a fraction of a second up, so fractions are cut off.
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
"""Form in which a value is shown.

``plain``: unchanged; ``moment``: a moment by Vietnam's clock; ``day``: the day of a moment; ``figure``: a count;
``code``: an identifier with masked phone numbers; ``text``: sentences; ``words``: a code in words; ``reason``: the
reason of a message's state; ``agency``: an agency by its name; ``dossier``: a dossier's code with a link to its page;
``phone``: a phone number as far as the viewer may see it; ``masked``: text that other people typed, with masked phone
numbers.
"""
FilterKind: TypeAlias = Literal["agency", "choice", "days", "procedure", "name", "hidden"]
"""Kind of a filter.

``agency``: one agency; ``choice``: one of some codes; ``days``: the first and the last day; ``procedure``: a procedure
by name or code; ``name``: a name; ``hidden``: a value that the page keeps in a hidden field.
"""


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Declared):
    """A declared column of a list."""

    head: str
    of: str = ""
    """The name of the row's value that the column shows; by default the column's own name."""
    shown: ColumnKind = "plain"
    words: str = ""
    """The place of the words for the column's codes, in the form that ``words_of`` takes."""
    places: tuple[ListPlace, ...] = ("page", "file")
    command: str = ""
    """The column's head in a terminal. If it is empty, the column is not shown in a terminal."""
    hidden_from: tuple[ViewerRole, ...] = ()
    under: str = ""
    """The name of another column. The page shows this column's value in the other column's cell, below that
    column's value."""
    lead: str = ""
    """The word before the value in the cell of the column ``under``."""
    none: str = "–"
    """The text on the page if a row has no value."""
    quiet: bool = False
    """``True`` if the page shows the value as a remark."""
    width: int = 19
    """The width in a workbook, in letters."""
    sorts: bool = True
    sort_by: str = ""
    """The column whose values give the order if somebody sorts by this column; by default this column."""

    @property
    def is_moment(self) -> bool:
        """Whether the column shows moments, so that its head in a file must name Vietnam's time."""
        return self.shown == "moment"


class Filter(_Declared):
    """A declared filter of a list."""

    shown: FilterKind
    head: str = ""
    every: str = ""
    """The words on the page for "no restriction"."""
    words: str = ""
    """For a choice: the place of the words for the codes, in the form that ``words_of`` takes."""
    only: tuple[str, ...] = ()
    """For a choice: the codes that can be chosen; by default all codes with words."""
    of_none: bool = False
    """For an agency: ``True`` if rows without an agency can be chosen too."""
    command: str = ""
    """The help text of the command's option. If it is empty, the command has no option for the filter."""


class DeclaredList(_Declared):
    """A declared list."""

    title: str
    file: str
    """The name of the list's file, without the moment and the suffix."""
    unit: str
    """The word for the rows, such as "tài khoản", which is written after their number."""
    order: str
    """The order of the rows, in words."""
    empty: str
    """The text that is shown if the list has no row."""
    lead: str = ""
    """The text on the page about the content of the list, shown if no filter is set."""
    page: int = 15
    """How many rows one page shows."""
    newest: bool = False
    """``True`` if the list begins with the newest rows, so that a file which cannot hold all rows holds the newest."""
    most: int = MOST_ROWS
    """How many rows a file of this list has at most."""
    filters: Mapping[str, Filter] = {}
    columns: Mapping[str, Column]

    def columns_for(self, viewer: Viewer, place: ListPlace) -> dict[str, Column]:
        """Return the columns that a viewer sees in a place, by name."""
        return {
            name: each
            for name, each in self.columns.items()
            if viewer.role not in each.hidden_from and (each.command if place == "command" else place in each.places)
        }

    def file_columns(self, viewer: Viewer) -> list[FileColumn]:
        """Return the columns of a file for a viewer. The heads of columns with moments name Vietnam's time."""
        zone = wording.list_words()["file"]["zone"]
        return [
            FileColumn(zone.format(head=each.head) if each.is_moment else each.head, each.width)
            for each in self.columns_for(viewer, "file").values()
        ]


@cache
def declared_list(name: str) -> DeclaredList:
    """Read the list that include/templates/lists/<name>.yaml declares."""
    text = (include_dir() / "templates" / "lists" / f"{name}.yaml").read_text(encoding="utf-8")
    return DeclaredList.model_validate(yaml.load(text, yaml.CSafeLoader))


def load_every_list() -> list[str]:
    """Read all declared lists, and return their names."""
    names = sorted(path.stem for path in (include_dir() / "templates" / "lists").glob("*.yaml"))
    for name in names:
        declared_list(name)
    return names


@cache
def words_of(part: str) -> Mapping[str, str]:
    """Return words by code.

    ``part`` is a path in the words of lists, such as ``statement.verdict``. If the path begins with ``publication.``,
    or if the words of lists do not have it, it is a path in the words of publications. ``a+b`` joins the words of two
    paths.
    """
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


# --- The cells ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """The viewer of rows, and the names that replace codes for the viewer."""

    viewer: Viewer
    names: Mapping[str, str]
    """Names of agencies by code."""


OwnCell: TypeAlias = Callable[[Any, Seen], Cell]
"""A function that returns a row's cell for a viewer. It belongs to a column whose cells the YAML entry cannot
describe."""


def value_of_row(row: Any, name: str) -> Any:  # noqa: ANN401 - rows are of any type, or as a statement gives them
    """Return a value of a row by its name. ``a.b`` is the value ``b`` of the row's value ``a``."""
    for each in name.split("."):
        row = row[each] if isinstance(row, Mapping) else getattr(row, each)
    return row


def cell_of(name: str, column: Column, row: Any, seen: Seen, own: Mapping[str, OwnCell]) -> Cell:  # noqa: ANN401 - as there
    """Return the cell of a row in a column, for a viewer."""
    if name in own:
        return own[name](row, seen)
    value = value_of_row(row, column.of or name)
    if value is None or value == "":
        return None
    return _CELLS[column.shown](value, row, column, seen)


def dossier_link(agency_code: str | None, dossier_code: str) -> Link:
    """Return a dossier's code with the link to its page."""
    query = ({"agency": agency_code} if agency_code else {}) | {"code": dossier_code}
    return Link(dossier_code, f"/dossiers?{urlencode(query)}")


def _word_cell(value: Any, row: Any, column: Column, seen: Seen) -> Cell:  # noqa: ANN401 - as all of them
    tones = wording.list_words()["tone"].get(column.words)
    return Word(str(value), words_of(column.words).get(str(value), str(value)), tones and tones.get(value, ""))


_CELLS: dict[ColumnKind, Callable[[Any, Any, Column, Seen], Cell]] = {
    "plain": lambda value, row, column, seen: value,
    "moment": lambda value, row, column, seen: value,
    "day": lambda value, row, column, seen: value.astimezone(VIETNAM).date() if isinstance(value, datetime) else value,
    "figure": lambda value, row, column, seen: round(value) if isinstance(value, Decimal) else value,
    "code": lambda value, row, column, seen: mask_phones(str(value)),
    "text": lambda value, row, column, seen: str(value),
    "words": _word_cell,
    "reason": lambda value, row, column, seen: Word(
        value, wording.message_reason(value, code=seen.viewer.is_operator), None
    ),
    "agency": lambda value, row, column, seen: seen.names.get(value, value),
    "dossier": lambda value, row, column, seen: dossier_link(value_of_row(row, "agency_code"), value),
    "phone": lambda value, row, column, seen: seen.viewer.phone(value) or None,
    "masked": lambda value, row, column, seen: seen.viewer.text(str(value)),
}
