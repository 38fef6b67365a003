"""Tables that people hand in, CSV or Excel: every cell as the text that stands there, and what is wrong said by line.

A cell is never guessed to be a number or a date: what it means is decided by whoever reads the table. What is wrong is
told by sheet, line and column, without the value: a column that slipped may hold phone numbers. Staff read it in
Vietnamese (``str``), operators in English (``english``).
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
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

import yaml

from motcua.domain.phones.reading import mask_phones
from motcua.domain.texts import remove_accents
from motcua.settings import include_dir

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
MOST_FAULTS: Final = 20
"""Faults of a file that are told; the rest is counted."""
_HEADING_WITHIN: Final = 50
"""The heading is looked for in so many rows: above it stand the provider's name, the month and the like."""
_SEPARATORS: Final = (",", ";", "\t")
# No character of a table: a file with one column is read line by line.
_NO_SEPARATOR: Final = "\x1f"
_LONGEST_EXACT: Final = 10**15
"""Excel keeps 15 digits of a number; what is longer was rounded."""
ROUNDED: Final = r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+"
"""What is left of a code, a reference or a phone number that Excel took for a number: ``1,23E+17``."""

FaultCode: TypeAlias = Literal[
    "too_large", "too_many_lines", "too_heavy", "too_wide", "not_a_table", "old_workbook", "web_page", "unreadable",
    "not_utf8", "not_text", "open_quote", "no_form", "bad_form", "no_folder", "no_sheet", "extra_sheet", "no_heading",
    "missing_heading", "heading_twice", "cells_beyond", "no_lines", "no_time", "bad_time", "outside_month",
    "bad_number", "bad_whole", "too_large_number", "missing", "bad_phone", "no_identity", "bad_reference", "rounded",
    "phones_in_column", "unknown_word", "no_total", "bad_total", "after_total", "bad_month", "future",
    "too_early", "unknown_agency", "bad_code", "too_long", "holds_phone", "cut_off", "few_dossiers", "from_future",
    "all_refused", "too_heavy_export", "no_export_form", "no_agency", "not_ours", "bad_status", "twice", "unread_time",
    "bad_period", "bare_month", "several_periods", "not_over", "period_twice", "several_agencies",
]  # fmt: skip
"""What include/templates/report/file_faults.vi.yaml and file_faults.en.yaml have words for."""


@dataclass(frozen=True, slots=True)
class FileFault:
    """One thing that is wrong in a file, and where."""

    code: FaultCode
    sheet: str | None = None
    line: int | None = None
    """Row, as a spreadsheet counts."""
    heading: str | None = None
    """Heading of the column, as it stands in the file."""
    values: Mapping[str, object] = field(default_factory=dict)
    """What fills the places of the sentence; never a cell that may be personal."""

    def __str__(self) -> str:
        return self._told("vi")

    @property
    def english(self) -> str:
        """The same for operators."""
        return self._told("en")

    def _told(self, language: str) -> str:
        words = _words(language)
        places = [
            words["places"][name].format(value)
            for name, value in (("sheet", self.sheet), ("line", self.line), ("heading", self.heading))
            if value is not None
        ]
        sentence = str(words["faults"][self.code]).format(**self.values)
        told = f"{', '.join(places)}: {sentence}" if places else sentence[:1].upper() + sentence[1:]
        # Also a heading or a sheet may be named after a phone.
        return mask_phones(told)


@lru_cache(maxsize=2)
def _words(language: str) -> dict[str, Any]:
    path = include_dir() / "templates" / "report" / f"file_faults.{language}.yaml"
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


class OnlyLooked(Exception):
    """Takes back what a dry run did."""


class FileRefused(Exception):
    """A file cannot be taken; the message names the first faults, one a line."""

    def __init__(self, name: str, faults: Sequence[FileFault]) -> None:
        self.name, self.faults = name, tuple(faults)
        self.month: date | None = None
        """First day of the month that the file is about, where that much could be read."""
        super().__init__(self._told("vi"))

    @property
    def english(self) -> str:
        """The same for operators."""
        return self._told("en")

    def _told(self, language: str) -> str:
        words = _words(language)
        shown = [fault.english if language == "en" else str(fault) for fault in self.faults[:MOST_FAULTS]]
        if len(self.faults) > MOST_FAULTS:
            shown.append(words["more"].format(len(self.faults) - MOST_FAULTS))
        return "\n".join([words["refused"].format(self.name), *(f"- {line}" for line in shown)])


# --- Words ------------------------------------------------------------------------------------------------------


def fold(text: str, *, brackets: bool = False) -> str:
    """A heading or a word as it is compared: no accents, no case, nothing in brackets, one space between words."""
    text = unicodedata.normalize("NFC", text)
    plain = remove_accents(text if brackets else re.sub(r"\([^)]*\)", " ", text))
    return re.sub(r"[^a-z0-9]+", " ", plain.casefold()).strip()


def heading_key(heading: str) -> tuple[bool, str]:
    """What two headings of a form must not share; one with brackets means only one that has them too."""
    bracketed = "(" in heading
    return bracketed, fold(heading, brackets=bracketed)


def clean_cell(text: str) -> str:
    """A cell without what spreadsheets put around it: ``="0905…"``, a leading apostrophe, odd blanks."""
    text = unicodedata.normalize("NFC", text.replace("\xa0", " ").replace("\u202f", " ")).strip()
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1]
    return text.removeprefix("'").strip()


def shown_name(name: str) -> str:
    """A file's name as text: one that came out of a Windows archive may not be UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# --- Reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """One sheet, every cell a text; the row with index 0 is row 1 of the spreadsheet."""

    name: str | None
    """``None``: a CSV file."""
    cells: pd.DataFrame


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
                raise FileRefused(name, [FileFault("too_large", values={"most": LARGEST_FILE // 1024**2})])
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


def read_sheet(content: bytes, name: str, *, decimal: str = ",", headed: bool = False) -> Sheet:
    """A CSV file (UTF-8 or UTF-16; comma, semicolon or tab), or the first sheet of a workbook.

    Args:
        content: of the file.
        name: of the file.
        decimal: how a workbook's numbers are written out.
        headed: the first line is the heading; a file without a separator in it has one column.

    Raises:
        FileRefused: it is no table, or it is too large.
    """
    if is_workbook(content, name):
        book = Workbook(content, name)
        return book.read(book.names[0], decimal=decimal)
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
        raise FileRefused(name, [FileFault("too_large", values={"most": LARGEST_FILE // 1024**2})])
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


def find_table(sheet: Sheet, name: str, columns: Mapping[str, Iterable[str]], required: Collection[str]) -> Table:
    """The table below the first row that has all required headings.

    Args:
        sheet: where to look.
        name: of the file, for what is wrong.
        columns: column → headings that it may have, compared by ``fold``; of several that are there the first counts.
            One with brackets, as “Thành tiền (chưa VAT)”, is compared with them, and before those without.
        required: columns that must be there.

    Raises:
        FileRefused: there is no such row, nor two that together have them, or a heading stands there twice.
    """
    known = {
        heading_key(heading): (column, rank)
        for column, headings in columns.items()
        for rank, heading in enumerate(headings)
    }
    within = min(_HEADING_WITHIN, len(sheet.cells))
    best: tuple[int, dict[str, list[tuple[int, int]]]] = (0, {})
    titles: list[str] = []
    # One row; else two, of which the upper one holds groups of columns and what is merged over both.
    for place, several in [(each, False) for each in range(within)] + [(each, True) for each in range(1, within)]:
        cells = list(map(str, sheet.cells.iloc[place]))
        if several:
            cells = [below or above for above, below in zip(sheet.cells.iloc[place - 1].map(str), cells, strict=True)]
        found: dict[str, list[tuple[int, int]]] = {}
        for position, cell in enumerate(cells):
            if not cell:
                continue
            column, rank = known.get((True, fold(cell, brackets=True))) or known.get((False, fold(cell))) or ("", 0)
            if column:
                found.setdefault(column, []).append((rank, position))
        is_whole = set(required) <= found.keys()
        if is_whole or (not several and len(found) > len(best[1])):
            best, titles = (place, found), cells
        if is_whole:
            break
    place, found = best
    row = int(sheet.cells.index[place]) if len(sheet.cells) else 0
    if not found:
        wanted = "; ".join(next(iter(columns[column])) for column in columns if column in required)
        raise FileRefused(name, [FileFault("no_heading", sheet.name, values={"headings": wanted})])
    faults = [
        FileFault("missing_heading", sheet.name, row + 1, values={"headings": " / ".join(columns[column])})
        for column in columns
        if column in required and column not in found
    ]
    # Of two headings that may mean a column the one that is named first counts.
    at = {column: min(ranked)[1] for column, ranked in found.items()}
    headings = {column: clean_cell(titles[position]) for column, position in at.items()}
    faults += [
        FileFault("heading_twice", sheet.name, row + 1, headings[column])
        for column, ranked in found.items()
        if sum(rank == min(ranked)[0] for rank, _ in ranked) > 1
    ]
    if faults:
        raise FileRefused(name, faults)
    below = sheet.cells.iloc[place + 1 :]
    rows = below[(below != "").any(axis=1)]
    beyond = rows.iloc[:, max(position for position, cell in enumerate(titles) if cell) + 1 :]
    spilt = tuple(int(index) for index in rows.index[(beyond != "").any(axis=1)])
    return Table(sheet.name, row, at, headings, rows, spilt)
