"""Reads the tables that people hand in, CSV or Excel, by the specification of their columns.

A cell is never guessed to be a number or a date: it is text until the type of its column reads it. What is wrong is
told by sheet, line and column (motcua.jobs.handed_in.faults).
"""

from __future__ import annotations

import csv
import io
import lzma
import re
import struct
import unicodedata
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, TypeVar, cast, get_args
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from pydantic import AfterValidator, BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from motcua.domain.dossiers import clean_code
from motcua.domain.phones.reading import holds_phone
from motcua.domain.words import ROUNDED, AgencyWords, SeveralAgencies, agency_of, clean_cell, fold, heading_key
from motcua.jobs.handed_in.faults import FaultCode, FileFault, FileRefused

if TYPE_CHECKING:
    import pandas as pd

LARGEST_FILE: Final = 200 * 1024 * 1024
"""Bytes."""
LARGEST_WORKBOOK: Final = 2 * 1024 * 1024 * 1024
"""Bytes of a workbook unpacked: a small file may unpack to anything."""
MOST_UNPACKED: Final = 200
"""Times a workbook may grow when it is unpacked, where that is much: real ones grow ten to thirty times."""
MOST_COLUMNS: Final = 200
MOST_ROWS: Final = 1_048_576
"""Rows of a workbook's sheet, as in Excel."""
HEADING_WITHIN: Final = 50
"""The heading is looked for in so many rows: above it stand the provider's name, the month and the like."""
_SEPARATORS: Final = (",", ";", "\t")
# No character of a table: a file with one column is read line by line.
_NO_SEPARATOR: Final = "\x1f"
_PHONE: Final = re.compile(r"(?:\+?84|0)[0-9]{9}")
_LONGEST_EXACT: Final = 10**15
"""Excel keeps 15 digits of a number; what is longer was rounded."""


def shown_name(name: str) -> str:
    """A file's name as text: one that came out of a Windows archive may not be UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# --- Columns ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of a table that is handed in: how its heading is known, and what its cells are."""

    headings: Sequence[str]
    """Compared by ``fold``; of several that are there the first counts. One with brackets, as “Thành tiền (chưa VAT)”,
    is compared with them, and before those without."""
    value: Any = str
    """Type of a cell's value, for pydantic; it gets the cell clean and never empty, and refuses it by ``wrong``."""
    required: bool = False
    """A table without this heading is none of the kind."""
    filled: bool = False
    """An empty cell is a fault, too."""
    no_phones: bool = False
    """Where most cells are phone numbers, the columns have slipped by one."""


ColumnSpecs: TypeAlias = Mapping[str, ColumnSpec]
"""Column → what it is."""
_CODES: Final[frozenset[str]] = frozenset(get_args(FaultCode))


def wrong(code: FaultCode, **values: object) -> PydanticCustomError:
    """What the type of a column raises where a cell is not of it."""
    return PydanticCustomError(code, code, values)


# --- Reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """One sheet, every cell a text; the row with index 0 is row 1 of the spreadsheet."""

    name: str | None
    """``None``: a CSV file."""
    cells: pd.DataFrame


def is_workbook(content: bytes, name: str) -> bool:
    """Whether a file is read as an Excel workbook: it is named so, or it is one under another name."""
    return name.lower().endswith((".xlsx", ".xlsm")) or content.startswith(b"PK\x03\x04")


# What a damaged or encrypted workbook raises on its way through zipfile, its decompressors, XML and openpyxl.
_DAMAGED: Final = (
    BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ParseError,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
)


class Workbook:
    """An Excel workbook that is open for reading: its sheets by name, hidden ones too.

    Raises:
        FileRefused: it is no workbook, or it is too large.
    """

    def __init__(self, content: bytes, name: str) -> None:
        import openpyxl  # costs a quarter of a second

        _look_at(content, name)
        self._name = name
        try:
            with ZipFile(io.BytesIO(content)) as packed:
                unpacked = sum(each.file_size for each in packed.infolist())
            swollen = unpacked > LARGEST_FILE and unpacked > MOST_UNPACKED * len(content)
            if swollen or unpacked > LARGEST_WORKBOOK:
                raise FileRefused.too_large(name, LARGEST_FILE)
            with warnings.catch_warnings():
                # openpyxl warns of styles and extensions that it leaves out.
                warnings.simplefilter("ignore", UserWarning)
                book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            self._sheets = {str(sheet.title): sheet for sheet in book.worksheets}
            if not self._sheets:
                raise FileRefused(name, [FileFault("no_lines")])
        except _DAMAGED:
            raise FileRefused(name, [FileFault("not_a_table")]) from None

    @property
    def names(self) -> list[str]:
        """Names of the sheets, in their order."""
        return list(self._sheets)

    def read(self, sheet: str, *, decimal: str = ",", most: int | None = None) -> Sheet:
        """One sheet.

        Numbers are written out with this decimal sign and without thousands, times as ``2026-11-25 10:30:00``.
        ``most``: so many rows are enough.

        Raises:
            FileRefused: it is damaged, or it is too large.
        """
        import pandas as pd  # costs half a second

        rows: list[list[str]] = []
        places: list[int] = []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                found = self._sheets[sheet]
                # What a file says of its size need not be so.
                found.reset_dimensions()
                for place, cells in enumerate(found.iter_rows(values_only=True)):
                    if place >= MOST_ROWS:
                        raise FileRefused(self._name, [FileFault("too_many_lines", sheet, values={"most": MOST_ROWS})])
                    if most is not None and place >= most:
                        break
                    texts = [_as_text(cell, decimal) for cell in cells[:MOST_COLUMNS]]
                    if len(cells) > MOST_COLUMNS and any(cell is not None for cell in cells[MOST_COLUMNS:]):
                        fault = FileFault("too_wide", sheet, place + 1, values={"most": MOST_COLUMNS})
                        raise FileRefused(self._name, [fault])
                    while texts and not texts[-1]:
                        texts.pop()
                    if texts:
                        rows.append(texts)
                        places.append(place)
        except _DAMAGED:
            raise FileRefused(self._name, [FileFault("not_a_table", sheet)]) from None
        width = max(map(len, rows), default=0)
        for texts in rows:
            texts += [""] * (width - len(texts))
        return Sheet(sheet, pd.DataFrame(rows, index=places, columns=range(width)).astype(str))


def read_sheet(content: bytes, name: str, *, headed: bool = False) -> Sheet:
    """A CSV file (UTF-8 or UTF-16; comma, semicolon or tab), or the first sheet of a workbook.

    Args:
        content: of the file.
        name: of the file.
        headed: the first line is the heading; a file without a separator in it has one column.

    Raises:
        FileRefused: it is no table, or it is too large.
    """
    if is_workbook(content, name):
        book = Workbook(content, name)
        return book.read(book.names[0], decimal=",")
    _look_at(content, name)
    return Sheet(None, _read_csv(content, name, headed))


def ending_of(content: bytes, name: str) -> Literal["ended", "open", "cut"] | None:
    """How a CSV file ends: its last line is ended; it is not, which some software never does; or it has fewer cells
    than most lines besides, so that the rest of it was not written yet. ``None``: a workbook, whose end is its index.

    Raises:
        FileRefused: it is no text.
    """
    if is_workbook(content, name):
        return None
    _look_at(content, name)
    text = _decoded(content, name)
    if text.endswith("\n"):
        return "ended"
    # Only where the cells' own separators and line ends cannot be taken for the table's.
    lines = [line for line in re.sub(r'"(?:[^"]|"")*"', "", text).split("\n") if line.strip()]
    separator = _separator("\n".join(lines[:1000]), headed=False)
    counts = [line.count(separator) for line in lines]
    if len(lines) > 1 and ('"' in lines[-1] or counts[-1] < Counter(counts[:-1]).most_common(1)[0][0]):
        return "cut"
    return "open"


def _look_at(content: bytes, name: str) -> None:
    """Refuses what can be told by its size and its first bytes."""
    if len(content) > LARGEST_FILE:
        raise FileRefused.too_large(name, LARGEST_FILE)
    # An .xls, or an .xlsx that is locked with a password.
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise FileRefused(name, [FileFault("old_workbook")])
    first = content[:500].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").replace(b"\x00", b"").lower()
    if first.startswith((b"<!doctype", b"<html", b"<head", b"<table", b"<meta", b"<?xml")):
        raise FileRefused(name, [FileFault("web_page")])


def _as_text(cell: object, decimal: str) -> str:
    if isinstance(cell, str):
        return clean_cell(cell)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, (int, float)):
        if cell != cell:  # an error value
            return "#N/A"
        if abs(cell) >= _LONGEST_EXACT:
            return f"{cell:.9E}"
        return str(int(cell)) if cell == int(cell) else repr(cell).replace(".", decimal)
    if isinstance(cell, datetime):
        return cell.replace(microsecond=0).isoformat(" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return clean_cell(str(cell))


def _read_csv(content: bytes, name: str, headed: bool) -> pd.DataFrame:
    import pandas as pd

    text = _decoded(content, name)
    # Excel writes, and hides, this line.
    told = re.match(r"sep=([,;\t])\n", text)
    body = text[told.end() :] if told else text
    if not body.strip():
        raise FileRefused(name, [FileFault("no_lines")])
    separator = told[1] if told else _separator(body, headed)
    width = _width(body, separator, name)
    try:
        table = pd.read_csv(
            io.StringIO(body),
            sep=separator,
            header=None,
            names=list(range(width)),
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            index_col=False,
            skip_blank_lines=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError):
        raise FileRefused(name, [FileFault("not_a_table")]) from None
    # Cells that a short row does not have.
    return table.fillna("")


def _separator(body: str, headed: bool) -> str:
    """The one that stands in most lines equally often, outside quotes: a text may hold more of another."""
    lines = [line for line in re.sub(r'"(?:[^"]|"")*"', "", body[: 64 * 1024]).split("\n") if line.strip()]
    if headed:
        found = max(_SEPARATORS, key=lines[0].count) if lines else ""
        return found if found and found in lines[0] else _NO_SEPARATOR

    def steadiness(separator: str) -> tuple[int, int]:
        counts = Counter(filter(None, (line.count(separator) for line in lines)))
        return max(((often, count) for count, often in counts.items()), default=(0, 0))

    return max(_SEPARATORS, key=steadiness)


def _width(body: str, separator: str, name: str) -> int:
    """Columns of the widest row; no quote is left open, as it would swallow the lines until the next one."""
    if '"' not in body:
        counts = [line.count(separator) for line in body.split("\n")]
        widest = max(counts)
        if widest >= MOST_COLUMNS:
            raise FileRefused(
                name, [FileFault("too_wide", line=counts.index(widest) + 1, values={"most": MOST_COLUMNS})]
            )
        return widest + 1
    row, before = 0, 0
    widths: Counter[int] = Counter()
    long: list[tuple[int, int]] = []
    joined: list[tuple[int, int, int]] = []
    rows = csv.reader(io.StringIO(body), delimiter=separator, strict=True)
    try:
        for cells in rows:
            row += 1
            if len(cells) > MOST_COLUMNS:
                raise FileRefused(name, [FileFault("too_wide", line=row, values={"most": MOST_COLUMNS})])
            if rows.line_num - before > 1:
                long.append((row, max(cell.count(separator) for cell in cells if "\n" in cell)))
            elif within := max((cell.count(separator) for cell in cells), default=0):
                joined.append((row, len(cells) - 1, within))
            widths[len(cells)] += 1
            before = rows.line_num
    except csv.Error:
        raise FileRefused(name, [FileFault("open_quote", line=row + 1)]) from None
    # A cell over several lines with as many separators as a row has is where two rows became one.
    usual = max(widths.most_common(1)[0][0] - 1, 1)
    faults = [FileFault("open_quote", line=row) for row, count in long if count >= usual]
    # And a row with too few cells, one of which holds the separators that it lacks, is where cells became one.
    faults += [FileFault("open_quote", line=row) for row, own, within in joined if own < usual <= own + within]
    if faults:
        raise FileRefused(name, faults)
    return max(widths)


def _decoded(content: bytes, name: str) -> str:
    """The text, NFC, each line ended by a line feed."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif content[1:2] == b"\x00":
        encoding = "utf-16-le"
    elif content[:1] == b"\x00":
        encoding = "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as wrong:
        line = content[: wrong.start].count(b"\n") + 1
        raise FileRefused(name, [FileFault("not_utf8", line=line)]) from None
    if "\x00" in text:
        raise FileRefused(name, [FileFault("not_text", line=text.count("\n", 0, text.index("\x00")) + 1)])
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


# --- Headings ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """What stands below a heading."""

    sheet: str | None
    heading_row: int
    columns: Mapping[str, int]
    """Column → place, of those that were found."""
    headings: Mapping[str, str]
    """Column → heading as written."""
    rows: pd.DataFrame
    """Rows below the heading that are not blank; the index + 1 is the spreadsheet's row."""
    spilt: Sequence[int] = ()
    """Indexes of rows with a cell beyond the headings: their columns have slipped."""

    def fault(self, code: FaultCode, index: int | None, column: str | None = None, **values: object) -> FileFault:
        """A fault in the row of this index."""
        line = None if index is None else index + 1
        heading = None if column is None else self.headings.get(column)
        return FileFault(code, self.sheet, line, heading, values)

    def texts(self, column: str, rows: pd.DataFrame | None = None) -> pd.Series | None:
        """The cells of a column without what spreadsheets put around them; ``None``: it is not there."""
        place = self.columns.get(column)
        if place is None:
            return None
        cells = (self.rows if rows is None else rows).iloc[:, place].astype(str)
        cells = cells.str.replace("[\xa0\u202f]", " ", regex=True).str.strip()
        odd = cells.str.startswith(('="', "'"))
        return cells.mask(odd, cells[odd].map(clean_cell)) if odd.any() else cells


@dataclass(frozen=True, slots=True)
class _Heading:
    """A row, or two, that may be the heading of a table."""

    place: int
    titles: Sequence[str]
    found: Mapping[str, Sequence[tuple[int, int]]]
    """Column → rank of the heading among those that it may have, and its place."""

    def has(self, columns: ColumnSpecs) -> bool:
        """Whether every required column is there."""
        return all(column in self.found for column, spec in columns.items() if spec.required)


def read_table(
    content: bytes,
    name: str,
    columns: ColumnSpecs,
    *,
    largest: int = LARGEST_FILE,
    most_rows: int | None = None,
    headed: bool = False,
) -> Table:
    """The table of a CSV file, or of the first sheet of a workbook.

    Args:
        content: of the file.
        name: of the file, whose ending tells which of the two it is.
        columns: that it has.
        largest: bytes that it may have.
        most_rows: that it may have.
        headed: the first line is the heading; a file without a separator in it has one column.

    Raises:
        FileRefused: it is no such table, or it is too large.
    """
    if len(content) > largest:
        raise FileRefused.too_large(name, largest)
    table = find_table(read_sheet(content, name, headed=headed), name, columns)
    if most_rows is not None and len(table.rows) > most_rows:
        raise FileRefused(name, [FileFault("too_many_lines", table.sheet, values={"most": most_rows})])
    return table


def find_table(sheet: Sheet, name: str, columns: ColumnSpecs) -> Table:
    """The table below the first row that has all required headings, or below two rows that have them together.

    Args:
        sheet: where to look.
        name: of the file, for what is wrong.
        columns: that it has.

    Raises:
        FileRefused: there is no such heading, or one stands there twice.
    """
    heading = _best_heading(sheet, columns)
    if heading is None:
        wanted = "; ".join(spec.headings[0] for spec in columns.values() if spec.required)
        raise FileRefused(name, [FileFault("no_heading", sheet.name, values={"headings": wanted})])
    row = int(sheet.cells.index[heading.place])
    # Of two headings that may mean a column the one that is named first counts.
    at = {column: min(ranked)[1] for column, ranked in heading.found.items()}
    headings = {column: clean_cell(heading.titles[position]) for column, position in at.items()}
    faults = [
        FileFault("missing_heading", sheet.name, row + 1, values={"headings": " / ".join(spec.headings)})
        for column, spec in columns.items()
        if spec.required and column not in at
    ]
    faults += [
        FileFault("heading_twice", sheet.name, row + 1, headings[column])
        for column, ranked in heading.found.items()
        if sum(rank == min(ranked)[0] for rank, _ in ranked) > 1
    ]
    if faults:
        raise FileRefused(name, faults)
    below = sheet.cells.iloc[heading.place + 1 :]
    rows = below[(below != "").any(axis=1)]
    beyond = rows.iloc[:, max(position for position, cell in enumerate(heading.titles) if cell) + 1 :]
    spilt = tuple(int(index) for index in rows.index[(beyond != "").any(axis=1)])
    return Table(sheet.name, row, at, headings, rows, spilt)


def _best_heading(sheet: Sheet, columns: ColumnSpecs) -> _Heading | None:
    """The first row with all required headings; else the first two that have them together, of which the upper one
    holds groups of columns and what is merged over both; else the row that has the most; ``None``: none has any."""
    known = {
        heading_key(heading): (column, rank)
        for column, spec in columns.items()
        for rank, heading in enumerate(spec.headings)
    }
    rows = [list(map(str, sheet.cells.iloc[place])) for place in range(min(HEADING_WITHIN, len(sheet.cells)))]
    single = [_Heading(place, cells, _columns_in(cells, known)) for place, cells in enumerate(rows)]
    for heading in single:
        if heading.has(columns):
            return heading
    for place, (above, below) in enumerate(pairwise(rows), 1):
        cells = [lower or upper for upper, lower in zip(above, below, strict=True)]
        heading = _Heading(place, cells, _columns_in(cells, known))
        if heading.has(columns):
            return heading
    best = max(single, key=lambda heading: len(heading.found), default=None)
    return best if best is not None and best.found else None


def _columns_in(
    titles: Sequence[str], known: Mapping[tuple[bool, str], tuple[str, int]]
) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for position, title in enumerate(titles):
        meant = known.get((True, fold(title, brackets=True))) or known.get((False, fold(title))) if title else None
        if meant:
            found.setdefault(meant[0], []).append((meant[1], position))
    return found


# --- Values -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableValues:
    """What the cells of a table say."""

    rows: pd.DataFrame
    """By column: values of its type, ``None`` where the cell is empty or wrong, or the column is not there."""
    faults: Mapping[int, Mapping[str, FileFault]]
    """Index of a row → column → what is wrong there, in their order; ``""`` stands for cells beyond them."""
    blank: frozenset[int]
    """Indexes of rows with nothing below any of the headings."""
    slipped: Sequence[FileFault]
    """Of columns that hold phone numbers and should not."""

    def lines(self) -> Iterator[tuple[int, dict[str, Any], Mapping[str, FileFault]]]:
        """Each row: its index, its values, and what is wrong with it."""
        for index, row in zip(map(int, self.rows.index), self.rows.to_dict("records"), strict=True):
            yield index, cast("dict[str, Any]", row), self.faults.get(index, {})

    @property
    def all_faults(self) -> list[FileFault]:
        """Of all rows and columns."""
        return [*self.slipped, *(fault for its in self.faults.values() for fault in its.values())]


def read_values(
    table: Table, columns: ColumnSpecs, rows: pd.DataFrame | None = None, *, most_wrong: int | None = None
) -> TableValues:
    """Reads every cell by the type of its column, each text of a column once.

    Args:
        table: that they are of.
        columns: that are read.
        rows: of the table, where not all are read.
        most_wrong: so many wrong cells of a column are enough; what is after them is not read.
    """
    import pandas as pd  # costs half a second

    of = table.rows if rows is None else rows
    found: dict[str, pd.Series] = {}
    faults: dict[int, dict[str, FileFault]] = {}
    slipped: list[FileFault] = []
    empty = pd.Series(True, index=of.index)
    for index in set(table.spilt).intersection(of.index) if table.spilt else ():
        faults[index] = {"": table.fault("cells_beyond", index)}
    for column, spec in columns.items():
        texts = table.texts(column, of)
        if texts is None:
            found[column] = pd.Series([None] * len(of), index=of.index, dtype=object)
            continue
        empty &= texts == ""
        written = texts.unique()
        if spec.no_phones:
            phones = texts.isin([text for text in written if _PHONE.fullmatch(text)])
            if phones.sum() * 2 > (texts != "").sum():
                slipped.append(table.fault("phones_in_column", table.heading_row, column))
        values, refused = _read_texts(written, spec, most_wrong)
        found[column] = pd.Series([values.get(text) for text in texts], index=of.index, dtype=object)
        for index in of.index[texts.isin(refused.keys())][:most_wrong] if refused else ():
            code, said = refused[texts[index]]
            faults.setdefault(int(index), {})[column] = table.fault(code, int(index), column, **said)
    blank = frozenset(int(index) for index in of.index[empty])
    return TableValues(pd.DataFrame(found, index=of.index, dtype=object), faults, blank, slipped)


def read_typed(columns: ColumnSpecs, cells: Mapping[str, str]) -> tuple[dict[str, Any], Mapping[str, FileFault]]:
    """What was typed into the fields of a form instead of a row: the values, and by field what is wrong."""
    import pandas as pd

    names = list(columns)
    row = pd.DataFrame([[cells[name] for name in names]])
    table = Table(None, 0, {name: place for place, name in enumerate(names)}, {}, row)
    ((_, values, wrongs),) = read_values(table, columns).lines()
    return values, wrongs


def _read_texts(
    texts: Iterable[str], spec: ColumnSpec, most_wrong: int | None
) -> tuple[dict[str, object], dict[str, tuple[FaultCode, Mapping[str, object]]]]:
    """What each text says, and what is wrong with those that say nothing."""
    adapter: TypeAdapter[object] = TypeAdapter(spec.value)
    values: dict[str, object] = {}
    refused: dict[str, tuple[FaultCode, Mapping[str, object]]] = {}
    for text in texts:
        if not text:
            values[text] = None
            if spec.filled:
                refused[text] = ("missing", {})
            continue
        try:
            values[text] = adapter.validate_python(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            assert first["type"] in _CODES, first["type"]
            refused[text] = (cast("FaultCode", first["type"]), first.get("ctx", {}))
            if most_wrong is not None and len(refused) >= most_wrong:
                break
    return values, refused


Meaning = TypeVar("Meaning", bound=object)
_SHOWN: Final = re.compile(r"[^\d]{1,40}")
"""Words that a fault may repeat: no number is in them."""


def agency_in(agencies: AgencyWords) -> Any:  # noqa: ANN401 - a type for pydantic
    """The code of an agency, which the cell names by a code or a name that no other one has."""

    def agency(written: str) -> str:
        try:
            code = agency_of(written, agencies)
        except SeveralAgencies as several:
            raise wrong("several_agencies", agencies=str(several)) from None
        if code is None:
            raise wrong("unknown_agency")
        return code

    return Annotated[str, AfterValidator(agency)]


def word_of(meanings: Mapping[Meaning, Iterable[str]], known: Iterable[str]) -> Any:  # noqa: ANN401
    """What a word of a list means, whatever its case and accents; a fault tells the words that are ``known``."""
    meant = {fold(word): meaning for meaning, words in meanings.items() for word in words}
    told = ", ".join(known)

    def meaning(written: str) -> Meaning:
        found = meant.get(fold(written))
        if found is None:
            raise wrong("unknown_word", word=written if _SHOWN.fullmatch(written) else "…", known=told)
        return found

    return Annotated[Any, BeforeValidator(meaning)]


def dossier_code(written: str) -> str:
    """The code of a dossier, as it may be used."""
    code = clean_code(written)
    if code is None or "\ufffd" in code:
        raise wrong("bad_code")
    return not_rounded(code)


def not_rounded(written: str) -> str:
    """A code as it stands, unless a spreadsheet made a number of it and rounded it."""
    if re.fullmatch(ROUNDED, written):
        raise wrong("rounded")
    return written


def without_phone(written: str) -> str:
    """A text as it stands, unless something in it looks like a phone number."""
    if holds_phone(written):
        raise wrong("holds_phone")
    return written
