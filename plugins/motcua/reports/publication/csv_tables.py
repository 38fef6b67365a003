"""Write a closing's figures for machines, one CSV file for each table, and read such files again.

A closing holds the counts of one period as they were at a cut-off.

The files follow RFC 4180: UTF-8 without a byte order mark (people have the workbook), commas, lines that end with CR
LF, doubled quotes. Columns have the names of the ledger's columns. Whole numbers have no separators, moments are ISO
8601 in UTC, and the parts of a list are separated by blanks. As in PostgreSQL's COPY, NULL is an empty cell and an
empty text is ``""``. A text that begins with ``= + - @``, tab, carriage return or ``'`` gets a ``'`` before it, so that
no spreadsheet reads it as a formula. Programs that read the file must remove this ``'``. Rows are in the order of their
keys.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from motcua.domain.reconciliation import (
    STATES,
    AgencyFigures,
    Change,
    ChannelFigures,
    Closing,
    ComplaintCount,
    Difference,
    DossierFigures,
    Figures,
    MessageFigures,
    Orphan,
    ReasonCount,
    Timing,
)

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")
"""If a text begins with one of these characters, a ``'`` is written before it."""

_MESSAGES = (
    "at_source",
    "out_of_scope",
    "only_source",
    "only_ledger",
    "expected",
    *STATES,
    "difference",
    "segments",
)


@dataclass(frozen=True, slots=True)
class FigureTable:
    """One CSV file: its columns in order, the number of key columns, and the table of the ledger."""

    name: str
    of: type
    columns: tuple[str, ...]
    keys: int
    """How many of the first columns identify a row. 0 means that rows have no key, so that several rows may be
    equal."""
    table: str
    """The name of the ledger's table that stores these figures."""

    @property
    def file_name(self) -> str:
        """The path of the file below the publication's folder."""
        return f"csv/{self.name}.csv"


def _table(of: type, keys: int, name: str, columns: Sequence[str] | None = None) -> FigureTable:
    names = tuple(columns if columns is not None else of.__slots__)  # type: ignore[attr-defined]
    return FigureTable(name, of, names, keys, f"closing_{name}")


FIGURES = (
    _table(DossierFigures, 2, "dossiers"),
    _table(MessageFigures, 3, "messages", ("agency_code", "procedure_code", "kind", *_MESSAGES)),
    _table(ReasonCount, 5, "reasons"),
    _table(Timing, 3, "timings"),
    _table(AgencyFigures, 1, "agencies"),
    _table(ChannelFigures, 5, "channels"),
)
"""The tables of figures. The figures can be counted again from the facts."""
CASES = (
    _table(Difference, 0, "differences", ("side", "reason", "is_explained", *Difference.__slots__[2:])),
    _table(Orphan, 0, "orphans"),
    _table(Change, 4, "changes"),
)
"""The tables of single cases that a closing stored, one case in each row."""
COMPLAINTS = FigureTable("complaints", ComplaintCount, ComplaintCount.__slots__, 3, "complaints")
"""The counts of complaints at the time of the report. Further complaints may be recorded later."""
TABLES = (*FIGURES, *CASES, COMPLAINTS)


def tables_of(closing: Closing) -> tuple[FigureTable, ...]:
    """Return the files of a closing. A closing that counts no channels has no file of channels."""
    return tuple(table for table in TABLES if table.name != "channels" or closing.known_attempt is not None)


_HEADS = {"is_explained": "explained"}
"""The names of the ledger's columns for fields whose names differ."""


def heads(table: FigureTable) -> tuple[str, ...]:
    """Return the heads of a file's columns."""
    return ("closing_no", *(_HEADS.get(column, column) for column in table.columns))


def table_rows(table: FigureTable, closing_no: int, rows: Iterable[Any]) -> list[tuple[str, ...]]:
    """Return the rows with their cells in written form, in the order of the file, without the head."""
    cells = [(str(closing_no), *(_cell(getattr(row, column)) for column in table.columns)) for row in rows]
    return sorted(cells, key=lambda row: [_sort_key(cell) for cell in row])


def write_csv(table: FigureTable, rows: Sequence[tuple[str, ...]]) -> bytes:
    """Return the content of a CSV file."""
    return _lines([heads(table), *rows])


def plain_csv(of: type, rows: Iterable[Any]) -> bytes:
    """Write values of one dataclass as a CSV file: one column for each field, rows in the given order."""
    names: tuple[str, ...] = of.__slots__  # type: ignore[attr-defined]
    return _lines([names, *(tuple(_cell(getattr(row, name)) for name in names) for row in rows)])


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    return "".join(f"{','.join(row)}\r\n" for row in rows).encode()


def read_csv(content: bytes) -> list[list[str]]:
    """Return the cells of every line as plain text, the head first. A ``'`` before a text is not removed.

    Raises:
        ValueError: The content is not a CSV file in this form.
    """
    try:
        return list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from None


def unquoted(cell: str) -> str:
    """Return a written cell in the form of ``read_csv``, without CSV quotes."""
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def figure_rows(figures: Figures) -> dict[str, Sequence[Any]]:
    """Return the rows of each table of figures, by the table's name."""
    return {
        "dossiers": figures.dossiers,
        "messages": figures.messages,
        "reasons": figures.reasons,
        "timings": figures.timings,
        "agencies": figures.agencies,
        "channels": figures.channels,
    }


def closing_value(closing: Closing) -> dict[str, Any]:
    """Return a closing in the form of the manifest. Values that an older closing did not have are left out."""
    later = ("known_quality_run", "known_attempt", "prices")
    left_out = {"period", *(name for name in later if getattr(closing, name) is None)}
    return {name: _plain(getattr(closing, name)) for name in Closing.__slots__ if name not in left_out} | {
        "period": str(closing.period)
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return utc(value)
    return list(value) if isinstance(value, tuple) else value


def utc(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


_WRITERS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (bool, lambda value: "true" if value else "false"),
    (int, str),
    (datetime, utc),
    (tuple, lambda value: " ".join(value)),
)


def _cell(value: object) -> str:
    if value is None:
        return ""
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    text = str(value)
    if text.startswith(FORMULA_STARTS):
        text = f"'{text}"
    if not text or any(letter in text for letter in ',"\r\n') or text != text.strip():
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    return text


def _sort_key(cell: str) -> tuple[int, int, str]:
    """Return a sort key that puts empty cells first, then numbers by size, then words."""
    if not cell:
        return (0, 0, "")
    return (1, int(cell), "") if cell.isdecimal() and cell.isascii() else (2, 0, cell)
