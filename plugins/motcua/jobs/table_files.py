"""Tables that people hand in, CSV or Excel: every cell as the text that stands there, and what is wrong said by line.

A cell is never guessed to be a number or a date: what it means is decided by whoever reads the table. What is wrong is
told by sheet, line and column, without the value: a column that slipped may hold phone numbers.
"""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

import yaml

from motcua.domain.texts import remove_accents
from motcua.settings import include_dir

if TYPE_CHECKING:
    import pandas as pd

LARGEST_FILE: Final = 200 * 1024 * 1024
LARGEST_WORKBOOK: Final = 2 * 1024 * 1024 * 1024
"""Bytes of a workbook unpacked: a small file may unpack to anything."""
MOST_COLUMNS: Final = 200
MOST_FAULTS: Final = 20
_HEADING_WITHIN: Final = 50
"""The heading is looked for in so many rows: above it stand the provider's name, the month and the like."""
_SEPARATORS: Final = (",", ";", "\t")
_LONGEST_EXACT: Final = 10**15
"""Excel keeps 15 digits of a number; what is longer was rounded."""

FaultCode: TypeAlias = Literal[
    "too_large", "not_a_table", "not_utf8", "no_sheet", "extra_sheet", "no_heading", "missing_heading", "heading_twice",
    "cells_beyond", "no_lines", "no_time", "bad_time", "outside_month", "bad_number", "bad_whole",
    "too_large_number", "missing", "bad_phone", "no_identity", "bad_reference", "rounded",
    "phones_in_column", "unknown_word", "no_total", "bad_total", "after_total", "bad_month", "future",
    "too_early", "unknown_agency", "bad_code", "too_long",
]  # fmt: skip
"""What include/templates/report/file_faults.vi.yaml has words for."""


@dataclass(frozen=True, slots=True)
class Fault:
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
        words = _words()
        places = [
            words["places"][name].format(value)
            for name, value in (("sheet", self.sheet), ("line", self.line), ("heading", self.heading))
            if value is not None
        ]
        sentence = str(words["faults"][self.code]).format(**self.values)
        return f"{', '.join(places)}: {sentence}" if places else sentence[:1].upper() + sentence[1:]


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    path = include_dir() / "templates" / "report" / "file_faults.vi.yaml"
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


class FileRefused(Exception):
    """A file cannot be taken; the message names the first faults, one a line."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        self.name, self.faults = name, tuple(faults)
        shown = [str(fault) for fault in self.faults[:MOST_FAULTS]]
        if len(self.faults) > MOST_FAULTS:
            shown.append(_words()["more"].format(len(self.faults) - MOST_FAULTS))
        super().__init__("\n".join([_words()["refused"].format(name), *(f"- {line}" for line in shown)]))


# --- Words ------------------------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """A heading or a word as it is compared: no accents, no case, nothing in brackets, one space between words."""
    plain = remove_accents(re.sub(r"\([^)]*\)", " ", unicodedata.normalize("NFC", text)))
    return re.sub(r"[^a-z0-9]+", " ", plain.casefold()).strip()


def clean_cell(text: str) -> str:
    """A cell without what spreadsheets put around it: ``="0905…"``, a leading apostrophe, odd blanks."""
    text = unicodedata.normalize("NFC", text.replace("\xa0", " ").replace("\u202f", " ")).strip()
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1]
    return text.removeprefix("'").strip()


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

    def fault(self, code: FaultCode, index: int | None, column: str | None = None, **values: object) -> Fault:
        """A fault in the row of this index."""
        line = None if index is None else index + 1
        heading = None if column is None else self.headings.get(column)
        return Fault(code, self.sheet, line, heading, values)


def is_workbook(name: str) -> bool:
    """Whether a file of this name is read as an Excel workbook."""
    return name.lower().endswith((".xlsx", ".xlsm"))


def sheet_names(content: bytes, name: str) -> list[str]:
    """Names of a workbook's sheets.

    Raises:
        FileRefused: it is no workbook, or it is too large.
    """
    if len(content) > LARGEST_FILE:
        raise FileRefused(name, [Fault("too_large", values={"most": LARGEST_FILE // 1024**2})])
    try:
        with ZipFile(io.BytesIO(content)) as packed:
            if sum(each.file_size for each in packed.infolist()) > LARGEST_WORKBOOK:
                raise FileRefused(name, [Fault("too_large", values={"most": LARGEST_FILE // 1024**2})])
        with _workbook(content) as book:
            return [str(each) for each in book.sheet_names]
    except _DAMAGED:
        raise FileRefused(name, [Fault("not_a_table")]) from None


def read_sheet(
    content: bytes, name: str, sheet: str | None = None, *, decimal: str = ",", most: int | None = None
) -> Sheet:
    """A CSV file (UTF-8 or UTF-16; comma, semicolon or tab), or one sheet of a workbook, the first by default.

    Numbers of a workbook are written out with this decimal sign and without thousands, its times as
    ``2026-11-25 10:30:00``. ``most``: so many rows of a workbook's sheet are enough.

    Raises:
        FileRefused: it is no table, or it is too large.
    """
    if not is_workbook(name):
        if len(content) > LARGEST_FILE:
            raise FileRefused(name, [Fault("too_large", values={"most": LARGEST_FILE // 1024**2})])
        return Sheet(None, _read_csv(content, name))
    import pandas as pd  # costs half a second

    names = sheet_names(content, name)
    try:
        with _workbook(content) as book:
            chosen = names[0] if sheet is None else sheet
            cells = pd.read_excel(book, sheet_name=chosen, header=None, dtype=object, na_filter=False, nrows=most)
    except _DAMAGED:
        raise FileRefused(name, [Fault("not_a_table")]) from None
    return Sheet(chosen, cells.map(lambda cell: _as_text(cell, decimal)).astype(str))


# What a damaged or encrypted workbook raises on its way through zipfile, zlib, XML and openpyxl.
_DAMAGED: Final = (
    BadZipFile,
    zlib.error,
    ParseError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    NotImplementedError,
)


def _workbook(content: bytes) -> pd.ExcelFile:
    import pandas as pd

    with warnings.catch_warnings():
        # openpyxl warns of styles and extensions that it leaves out.
        warnings.simplefilter("ignore", UserWarning)
        return pd.ExcelFile(io.BytesIO(content), engine="openpyxl")


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


def _read_csv(content: bytes, name: str) -> pd.DataFrame:
    import pandas as pd

    text = _decoded(content, name).lstrip("\r\n") if content.strip() else ""
    # Excel writes, and hides, this line.
    told = re.match(r"sep=([,;\t])\r?\n", text)
    body = text[told.end() :] if told else text
    if not body.strip():
        raise FileRefused(name, [Fault("no_lines")])
    first = body[: 64 * 1024]
    separator = told[1] if told else max(_SEPARATORS, key=first.count)
    width = 1 + max(line.count(separator) for line in body.splitlines())
    if width > MOST_COLUMNS:
        raise FileRefused(name, [Fault("not_a_table")])
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
        raise FileRefused(name, [Fault("not_a_table")]) from None
    if told:
        table.index += 1
    # Cells that a short row does not have.
    return table.fillna("")


def _decoded(content: bytes, name: str) -> str:
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
    except UnicodeDecodeError:
        raise FileRefused(name, [Fault("not_utf8")]) from None
    if "\x00" in text:
        raise FileRefused(name, [Fault("not_a_table")])
    return text


# --- Headings ---------------------------------------------------------------------------------------------------


def find_table(sheet: Sheet, name: str, columns: Mapping[str, Iterable[str]], required: Collection[str]) -> Table:
    """The table below the first row that has all required headings.

    Args:
        sheet: where to look.
        name: of the file, for what is wrong.
        columns: column → headings that it may have, compared by ``fold``.
        required: columns that must be there.

    Raises:
        FileRefused: there is no such row, or a heading stands there twice.
    """
    known = {
        fold(heading): (column, rank) for column, headings in columns.items() for rank, heading in enumerate(headings)
    }
    best: tuple[int, dict[str, list[tuple[int, int]]]] = (0, {})
    for place in range(min(_HEADING_WITHIN, len(sheet.cells))):
        found: dict[str, list[tuple[int, int]]] = {}
        for position, cell in enumerate(map(str, sheet.cells.iloc[place])):
            column, rank = known.get(fold(cell), ("", 0)) if cell else ("", 0)
            if column:
                found.setdefault(column, []).append((rank, position))
        if len(found) > len(best[1]):
            best = (place, found)
        if set(required) <= found.keys():
            break
    place, found = best
    row = int(sheet.cells.index[place]) if len(sheet.cells) else 0
    if not found:
        wanted = "; ".join(next(iter(columns[column])) for column in columns if column in required)
        raise FileRefused(name, [Fault("no_heading", sheet.name, values={"headings": wanted})])
    faults = [
        Fault("missing_heading", sheet.name, row + 1, values={"headings": " / ".join(columns[column])})
        for column in columns
        if column in required and column not in found
    ]
    # Of two headings that may mean a column the one that is named first counts.
    at = {column: min(ranked)[1] for column, ranked in found.items()}
    headings = {column: clean_cell(str(sheet.cells.iloc[place, position])) for column, position in at.items()}
    faults += [
        Fault("heading_twice", sheet.name, row + 1, headings[column])
        for column, ranked in found.items()
        if sum(rank == min(ranked)[0] for rank, _ in ranked) > 1
    ]
    if faults:
        raise FileRefused(name, faults)
    below = sheet.cells.iloc[place + 1 :]
    rows = below[(below != "").any(axis=1)]
    titled = sheet.cells.iloc[place] != ""
    beyond = rows.loc[:, titled[titled].index.max() + 1 :]
    spilt = tuple(int(index) for index in rows.index[(beyond != "").any(axis=1)])
    return Table(sheet.name, row, at, headings, rows, spilt)
