"""Read handed-in tables, CSV or Excel, by a specification of their columns.

A cell stays text until the type of its column reads it, so that no cell is guessed to be a number or a date. Faults are
reported by sheet, line and column (motcua.jobs.handed_in.faults).
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
"""Size in bytes of the largest file that is read."""
LARGEST_WORKBOOK: Final = 2 * 1024 * 1024 * 1024
"""Largest size of an unpacked workbook, in bytes. A small file may unpack to any size."""
MOST_UNPACKED: Final = 200
"""Largest growth factor of a workbook that unpacks to more than ``LARGEST_FILE``. Real workbooks grow ten to thirty
times."""
MOST_COLUMNS: Final = 200
MOST_ROWS: Final = 1_048_576
"""Most rows of a workbook's sheet, as in Excel."""
HEADING_WITHIN: Final = 50
"""Number of first rows that may hold the heading. The provider's name, the month and other notes may stand above the
heading."""
_SEPARATORS: Final = (",", ";", "\t")
# A character that no table holds. With it as separator, a file with one column is read line by line.
_NO_SEPARATOR: Final = "\x1f"
_PHONE: Final = re.compile(r"(?:\+?84|0)[0-9]{9}")
_LONGEST_EXACT: Final = 10**15
"""Excel stores 15 digits of a number, so a number from this value on may have been rounded."""


def shown_name(name: str) -> str:
    """Return a file's name as valid text; a name from a Windows archive may not be UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# --- Columns ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of a handed-in table: its possible headings and the type of its cells."""

    headings: Sequence[str]
    """Possible headings, compared by ``fold``. If the table has several of them, the first one of this list counts. A
    heading with brackets, as “Thành tiền (chưa VAT)”, fits only a heading with the same brackets, and is tried before
    the others."""
    value: Any = str
    """Type of a cell's value, for pydantic. The type receives the cleaned cell, never an empty one, and raises the
    error of ``wrong`` for a cell that it cannot read."""
    required: bool = False
    """Whether a table without this heading is refused."""
    filled: bool = False
    """Whether an empty cell is a fault."""
    no_phones: bool = False
    """Whether a column of mostly phone numbers is a fault, because it shows that the columns slipped by one."""


ColumnSpecs: TypeAlias = Mapping[str, ColumnSpec]
"""Specification of each column by the column's name."""
_CODES: Final[frozenset[str]] = frozenset(get_args(FaultCode))


def wrong(code: FaultCode, **values: object) -> PydanticCustomError:
    """Return the error that the type of a column raises for a cell that it cannot read."""
    return PydanticCustomError(code, code, values)


# --- Reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """One sheet with every cell as text. The row with index 0 is row 1 of the spreadsheet."""

    name: str | None
    """Name of the sheet; ``None`` for a CSV file."""
    cells: pd.DataFrame


def is_workbook(content: bytes, name: str) -> bool:
    """Return whether a file is read as an Excel workbook, because of its name or its content."""
    return name.lower().endswith((".xlsx", ".xlsm")) or content.startswith(b"PK\x03\x04")


# Errors that zipfile, its decompressors, the XML parser and openpyxl raise for a damaged or encrypted workbook.
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
    """An Excel workbook, open for reading, with all its sheets, hidden ones included.

    Raises:
        FileRefused: the file is no workbook, or it is too large.
    """

    def __init__(self, content: bytes, name: str) -> None:
        import openpyxl  # the import takes a quarter of a second

        _refuse_by_first_bytes(content, name)
        self._name = name
        try:
            with ZipFile(io.BytesIO(content)) as packed:
                unpacked = sum(each.file_size for each in packed.infolist())
            swollen = unpacked > LARGEST_FILE and unpacked > MOST_UNPACKED * len(content)
            if swollen or unpacked > LARGEST_WORKBOOK:
                raise FileRefused.too_large(name, LARGEST_FILE)
            with warnings.catch_warnings():
                # openpyxl warns about styles and extensions that it ignores.
                warnings.simplefilter("ignore", UserWarning)
                book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            self._sheets = {str(sheet.title): sheet for sheet in book.worksheets}
            if not self._sheets:
                raise FileRefused(name, [FileFault("no_lines")])
        except _DAMAGED:
            raise FileRefused(name, [FileFault("not_a_table")]) from None

    @property
    def names(self) -> list[str]:
        """Return the names of the sheets in their order."""
        return list(self._sheets)

    def read(self, sheet: str, *, decimal: str = ",", most: int | None = None) -> Sheet:
        """Return one sheet.

        Args:
            sheet: name of the sheet.
            decimal: decimal sign of numbers in the result. The numbers have no thousands separator. Times become
                ``2026-11-25 10:30:00``.
            most: number of rows after which reading stops.

        Raises:
            FileRefused: the sheet is damaged or too large.
        """
        import pandas as pd  # the import takes half a second

        rows: list[list[str]] = []
        places: list[int] = []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                found = self._sheets[sheet]
                # The dimensions that the file states may be wrong.
                found.reset_dimensions()
                for place, cells in enumerate(found.iter_rows(values_only=True)):
                    if place >= MOST_ROWS:
                        raise FileRefused(self._name, [FileFault("too_many_lines", sheet, values={"most": MOST_ROWS})])
                    if most is not None and place >= most:
                        break
                    texts = [_cell_text(cell, decimal) for cell in cells[:MOST_COLUMNS]]
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
    """Return the sheet of a CSV file (UTF-8 or UTF-16; comma, semicolon or tab), or a workbook's first sheet.

    Args:
        content: bytes of the file.
        name: name of the file.
        headed: whether the first line is the heading. Without a separator in that line, the file has one column.

    Raises:
        FileRefused: the file is no table, or it is too large.
    """
    if is_workbook(content, name):
        book = Workbook(content, name)
        return book.read(book.names[0], decimal=",")
    _refuse_by_first_bytes(content, name)
    return Sheet(None, _read_csv(content, name, headed))


def ending_of(content: bytes, name: str) -> Literal["ended", "open", "cut"] | None:
    """Return how a CSV file ends; ``None`` for a workbook, which cannot be read at all if it is cut off.

    ``ended``: a line feed ends the last line. ``open``: the line feed is missing, as some software never writes it.
    ``cut``: the line feed is missing and the last line has fewer cells than most lines, or an open quote, because the
    software was still writing the file.

    Raises:
        FileRefused: the file is no text.
    """
    if is_workbook(content, name):
        return None
    _refuse_by_first_bytes(content, name)
    text = _decode(content, name)
    if text.endswith("\n"):
        return "ended"
    # Quoted cells are removed first, because they may hold separators and line ends.
    lines = [line for line in re.sub(r'"(?:[^"]|"")*"', "", text).split("\n") if line.strip()]
    separator = _find_separator("\n".join(lines[:1000]), headed=False)
    counts = [line.count(separator) for line in lines]
    if len(lines) > 1 and ('"' in lines[-1] or counts[-1] < Counter(counts[:-1]).most_common(1)[0][0]):
        return "cut"
    return "open"


def _refuse_by_first_bytes(content: bytes, name: str) -> None:
    """Refuse a file that is known to be wrong by its size or its first bytes."""
    if len(content) > LARGEST_FILE:
        raise FileRefused.too_large(name, LARGEST_FILE)
    # These bytes begin an .xls file, or an .xlsx file with a password.
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise FileRefused(name, [FileFault("old_workbook")])
    first = content[:500].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").replace(b"\x00", b"").lower()
    if first.startswith((b"<!doctype", b"<html", b"<head", b"<table", b"<meta", b"<?xml")):
        raise FileRefused(name, [FileFault("web_page")])


def _cell_text(cell: object, decimal: str) -> str:
    """Return a workbook's cell as text."""
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
    """Return the cells of a CSV file."""
    import pandas as pd

    text = _decode(content, name)
    # Some files begin with a line ``sep=;``. Excel reads and writes this line, and does not show it.
    declared = re.match(r"sep=([,;\t])\n", text)
    body = text[declared.end() :] if declared else text
    if not body.strip():
        raise FileRefused(name, [FileFault("no_lines")])
    separator = declared[1] if declared else _find_separator(body, headed)
    width = _count_columns(body, separator, name)
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
    # The cells that a short row lacks become empty texts.
    return table.fillna("")


def _find_separator(body: str, headed: bool) -> str:
    """Return the separator that occurs equally often in most lines, outside quotes.

    With ``headed``, return the most frequent separator of the first line, or ``_NO_SEPARATOR`` if that line has none.

    Counting all occurrences would be wrong: a text may hold more commas than the table has separators.
    """
    lines = [line for line in re.sub(r'"(?:[^"]|"")*"', "", body[: 64 * 1024]).split("\n") if line.strip()]
    if headed:
        found = max(_SEPARATORS, key=lines[0].count) if lines else ""
        return found if found and found in lines[0] else _NO_SEPARATOR

    def steadiness(separator: str) -> tuple[int, int]:
        counts = Counter(filter(None, (line.count(separator) for line in lines)))
        return max(((often, count) for count, often in counts.items()), default=(0, 0))

    return max(_SEPARATORS, key=steadiness)


def _count_columns(body: str, separator: str, name: str) -> int:
    """Return the number of columns of the widest row.

    Raises:
        FileRefused: a row is too wide, or a quote is not closed. Such a quote joins all lines up to the next quote.
    """
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
    # If a cell over several lines holds as many separators as a row, an open quote has joined two rows.
    usual = max(widths.most_common(1)[0][0] - 1, 1)
    faults = [FileFault("open_quote", line=row) for row, count in long if count >= usual]
    # If a row has too few cells, and one of them holds the missing separators, an open quote has joined cells.
    faults += [FileFault("open_quote", line=row) for row, own, within in joined if own < usual <= own + within]
    if faults:
        raise FileRefused(name, faults)
    return max(widths)


def _decode(content: bytes, name: str) -> str:
    """Return the text of a file in NFC, with a line feed at the end of each line."""
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
    """A table: its heading and the rows below."""

    sheet: str | None
    heading_row: int
    columns: Mapping[str, int]
    """Position, from 0, of each column that the table has."""
    headings: Mapping[str, str]
    """Heading of each column, as the file writes it."""
    rows: pd.DataFrame
    """Rows below the heading that are not blank. The index + 1 is the row number of the spreadsheet."""
    spilt: Sequence[int] = ()
    """Indexes of rows with a cell beyond the last heading. Their columns have slipped."""

    def fault(self, code: FaultCode, index: int | None, column: str | None = None, **values: object) -> FileFault:
        """Return a fault in the row with this index."""
        line = None if index is None else index + 1
        heading = None if column is None else self.headings.get(column)
        return FileFault(code, self.sheet, line, heading, values)

    def texts(self, column: str, rows: pd.DataFrame | None = None) -> pd.Series | None:
        """Return the cells of a column without the characters that spreadsheets add; ``None`` for a missing column."""
        place = self.columns.get(column)
        if place is None:
            return None
        cells = (self.rows if rows is None else rows).iloc[:, place].astype(str)
        cells = cells.str.replace("[\xa0\u202f]", " ", regex=True).str.strip()
        odd = cells.str.startswith(('="', "'"))
        return cells.mask(odd, cells[odd].map(clean_cell)) if odd.any() else cells


@dataclass(frozen=True, slots=True)
class _Heading:
    """One row, or two rows together, that may be the heading of a table."""

    place: int
    titles: Sequence[str]
    found: Mapping[str, Sequence[tuple[int, int]]]
    """For each column: the rank of each matching heading in the column's specification, and the heading's position in
    the row."""

    def has(self, columns: ColumnSpecs) -> bool:
        """Return whether the row has a heading for every required column."""
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
    """Return the table of a CSV file or of a workbook's first sheet.

    Args:
        content: bytes of the file.
        name: name of the file; its ending or the content distinguishes a workbook from CSV.
        columns: columns of the table.
        largest: largest size in bytes.
        most_rows: largest number of rows.
        headed: whether the first line is the heading. Without a separator in that line, the file has one column.

    Raises:
        FileRefused: the file has no such table, or it is too large.
    """
    if len(content) > largest:
        raise FileRefused.too_large(name, largest)
    table = find_table(read_sheet(content, name, headed=headed), name, columns)
    if most_rows is not None and len(table.rows) > most_rows:
        raise FileRefused(name, [FileFault("too_many_lines", table.sheet, values={"most": most_rows})])
    return table


def find_table(sheet: Sheet, name: str, columns: ColumnSpecs) -> Table:
    """Return the table below the first row with all required headings, or below two rows that together have all of
    them.

    Args:
        sheet: the sheet to search.
        name: name of the file, for the error.
        columns: columns of the table.

    Raises:
        FileRefused: the sheet has no such heading, or it has a heading twice.
    """
    heading = _find_heading(sheet, columns)
    if heading is None:
        wanted = "; ".join(spec.headings[0] for spec in columns.values() if spec.required)
        raise FileRefused(name, [FileFault("no_heading", sheet.name, values={"headings": wanted})])
    row = int(sheet.cells.index[heading.place])
    # If two headings fit one column, the heading that the column's specification lists first counts.
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


def _find_heading(sheet: Sheet, columns: ColumnSpecs) -> _Heading | None:
    """Return the row that is most likely the heading, or ``None`` if no row has any known heading.

    The heading is the first row with all required headings. If there is no such row, two rows together may have all
    required headings: the upper row then holds groups of columns, and cells that are merged over both rows. Otherwise
    the row with the most known headings is returned.
    """
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
    """Return the rank and position of each known heading in a row, by column."""
    found: dict[str, list[tuple[int, int]]] = {}
    for position, title in enumerate(titles):
        meant = known.get((True, fold(title, brackets=True))) or known.get((False, fold(title))) if title else None
        if meant:
            found.setdefault(meant[0], []).append((meant[1], position))
    return found


# --- Values -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableValues:
    """The values of a table's cells and the faults of these cells."""

    rows: pd.DataFrame
    """Typed values by column. A value is ``None`` if its cell is empty or wrong, or if the table lacks the column."""
    faults: Mapping[int, Mapping[str, FileFault]]
    """Faults by the index of the row and by column, in the order of the columns. The key ``""`` stands for cells beyond
    the last heading."""
    blank: frozenset[int]
    """Indexes of rows whose cells below the headings are all empty."""
    slipped: Sequence[FileFault]
    """One fault for each column that holds mostly phone numbers although it should hold none."""

    def lines(self) -> Iterator[tuple[int, dict[str, Any], Mapping[str, FileFault]]]:
        """Yield the index, the values and the faults of each row."""
        for index, row in zip(map(int, self.rows.index), self.rows.to_dict("records"), strict=True):
            yield index, cast("dict[str, Any]", row), self.faults.get(index, {})

    @property
    def all_faults(self) -> list[FileFault]:
        """Return the faults of all rows and columns."""
        return [*self.slipped, *(fault for of_row in self.faults.values() for fault in of_row.values())]


def read_values(
    table: Table, columns: ColumnSpecs, rows: pd.DataFrame | None = None, *, most_wrong: int | None = None
) -> TableValues:
    """Read every cell by the type of its column. Equal texts of a column are read once.

    Args:
        table: the table of the cells.
        columns: columns to read.
        rows: rows of the table to read; by default all rows.
        most_wrong: number of wrong texts of a column after which no further text of the column is read.
    """
    import pandas as pd  # the import takes half a second

    selected = table.rows if rows is None else rows
    found: dict[str, pd.Series] = {}
    faults: dict[int, dict[str, FileFault]] = {}
    slipped: list[FileFault] = []
    empty = pd.Series(True, index=selected.index)
    for index in set(table.spilt).intersection(selected.index) if table.spilt else ():
        faults[index] = {"": table.fault("cells_beyond", index)}
    for column, spec in columns.items():
        texts = table.texts(column, selected)
        if texts is None:
            found[column] = pd.Series([None] * len(selected), index=selected.index, dtype=object)
            continue
        empty &= texts == ""
        written = texts.unique()
        if spec.no_phones:
            phones = texts.isin([text for text in written if _PHONE.fullmatch(text)])
            if phones.sum() * 2 > (texts != "").sum():
                slipped.append(table.fault("phones_in_column", table.heading_row, column))
        values, refused = _read_texts(written, spec, most_wrong)
        found[column] = pd.Series([values.get(text) for text in texts], index=selected.index, dtype=object)
        for index in selected.index[texts.isin(refused.keys())][:most_wrong] if refused else ():
            code, details = refused[texts[index]]
            faults.setdefault(int(index), {})[column] = table.fault(code, int(index), column, **details)
    blank = frozenset(int(index) for index in selected.index[empty])
    return TableValues(pd.DataFrame(found, index=selected.index, dtype=object), faults, blank, slipped)


def read_typed(columns: ColumnSpecs, cells: Mapping[str, str]) -> tuple[dict[str, Any], Mapping[str, FileFault]]:
    """Read the fields of a form as a row of a table, and return the values and the faults by field."""
    import pandas as pd

    names = list(columns)
    row = pd.DataFrame([[cells[name] for name in names]])
    table = Table(None, 0, {name: place for place, name in enumerate(names)}, {}, row)
    ((_, values, wrongs),) = read_values(table, columns).lines()
    return values, wrongs


def _read_texts(
    texts: Iterable[str], spec: ColumnSpec, most_wrong: int | None
) -> tuple[dict[str, object], dict[str, tuple[FaultCode, Mapping[str, object]]]]:
    """Return the value of each readable text, and the fault of each text that is not readable."""
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
_WORD_WITHOUT_DIGITS: Final = re.compile(r"[^\d]{1,40}")
"""Words that a fault may repeat, because they hold no digit."""


def agency_in(agencies: AgencyWords) -> Any:  # noqa: ANN401 - a type for pydantic
    """Return a type for cells that name an agency, with the agency's code as value.

    A cell may have a code or a name. A code or name that several agencies have is a fault.
    """

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
    """Return a type for cells with a word of a list, in any case and with or without accents.

    Args:
        meanings: words of each value.
        known: words that a fault lists as possible words.
    """
    meant = {fold(word): meaning for meaning, words in meanings.items() for word in words}
    known_words = ", ".join(known)

    def meaning(written: str) -> Meaning:
        found = meant.get(fold(written))
        if found is None:
            raise wrong(
                "unknown_word", word=written if _WORD_WITHOUT_DIGITS.fullmatch(written) else "…", known=known_words
            )
        return found

    return Annotated[Any, BeforeValidator(meaning)]


def dossier_code(written: str) -> str:
    """Return the cleaned code of a dossier; refuse an invalid code."""
    code = clean_code(written)
    if code is None or "\ufffd" in code:
        raise wrong("bad_code")
    return not_rounded(code)


def not_rounded(written: str) -> str:
    """Return a code unchanged; refuse a code that a spreadsheet turned into a rounded number."""
    if re.fullmatch(ROUNDED, written):
        raise wrong("rounded")
    return written


def without_phone(written: str) -> str:
    """Return a text unchanged; refuse a text with something that looks like a phone number."""
    if holds_phone(written):
        raise wrong("holds_phone")
    return written
