"""The figures for machines: one CSV file a table of the closing, and how such a file is read again.

RFC 4180: UTF-8 without a byte order mark (people have the workbook), commas, lines that end with CR LF, quotes doubled.
Columns have the names of the ledger's columns. Whole numbers have no separators, moments are ISO 8601 in UTC, a list's
parts stand with blanks between. Nothing is an empty cell, an empty text is ``""``, as PostgreSQL's COPY writes them.
A text that begins with ``= + - @``, tab, carriage return or ``'`` gets a ``'`` before it, so that no spreadsheet takes
it for a formula; whoever reads takes one ``'`` away again. Rows are in the order of their keys.
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
"""A text that begins with one of these gets a ``'`` before it."""

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
    """One file: the columns in their order, how many of them make a row's key, and where they come from."""

    name: str
    of: type
    columns: tuple[str, ...]
    keys: int
    """The first so many columns name a row; 0: rows have no names, and equal ones count."""
    table: str
    """The ledger's table."""

    @property
    def file_name(self) -> str:
        """Below a publication's folder."""
        return f"csv/{self.name}.csv"


def _own(of: type, keys: int, name: str, columns: Sequence[str] | None = None) -> FigureTable:
    names = tuple(columns if columns is not None else of.__slots__)  # type: ignore[attr-defined]
    return FigureTable(name, of, names, keys, f"closing_{name}")


FIGURES = (
    _own(DossierFigures, 2, "dossiers"),
    _own(MessageFigures, 3, "messages", ("agency_code", "procedure_code", "kind", *_MESSAGES)),
    _own(ReasonCount, 5, "reasons"),
    _own(Timing, 3, "timings"),
    _own(AgencyFigures, 1, "agencies"),
    _own(ChannelFigures, 5, "channels"),
)
"""Figures proper: they are computed again from the facts."""
CASES = (
    _own(Difference, 0, "differences", ("side", "reason", "is_explained", *Difference.__slots__[2:])),
    _own(Orphan, 0, "orphans"),
    _own(Change, 4, "changes"),
)
"""Cases by row, as a closing stored them."""
COMPLAINTS = FigureTable("complaints", ComplaintCount, ComplaintCount.__slots__, 3, "complaints")
"""Counted when the report was made; complaints go on being recorded."""
TABLES = (*FIGURES, *CASES, COMPLAINTS)


def tables_of(closing: Closing) -> tuple[FigureTable, ...]:
    """The files that tell of a closing: one that counts no channels has none of them."""
    return tuple(table for table in TABLES if table.name != "channels" or closing.known_attempt is not None)


_HEADS = {"is_explained": "explained"}
"""Where the ledger's column has another name than the value."""


def heads(table: FigureTable) -> tuple[str, ...]:
    """The first line."""
    return ("closing_no", *(_HEADS.get(column, column) for column in table.columns))


def table_rows(table: FigureTable, closing_no: int, rows: Iterable[Any]) -> list[tuple[str, ...]]:
    """The rows as their cells are written, in the file's order, without the head."""
    cells = [(str(closing_no), *(_cell(getattr(row, column)) for column in table.columns)) for row in rows]
    return sorted(cells, key=lambda row: [_order(cell) for cell in row])


def write_csv(table: FigureTable, rows: Sequence[tuple[str, ...]]) -> bytes:
    """The file."""
    return _lines([heads(table), *rows])


def plain_csv(of: type, rows: Iterable[Any]) -> bytes:
    """Values of one dataclass as such a file: a column a field, rows in the order given."""
    names: tuple[str, ...] = of.__slots__  # type: ignore[attr-defined]
    return _lines([names, *(tuple(_cell(getattr(row, name)) for name in names) for row in rows)])


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    return "".join(f"{','.join(row)}\r\n" for row in rows).encode()


def read_csv(content: bytes) -> list[list[str]]:
    """Every line's cells as plain text, the head first; what ``write_csv`` put before a text stays.

    Raises:
        ValueError: it is no such file.
    """
    try:
        return list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from None


def unquoted(cell: str) -> str:
    """A written cell as ``read_csv`` gives it."""
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def figure_rows(figures: Figures) -> dict[str, Sequence[Any]]:
    """By the name of the table: its rows."""
    return {
        "dossiers": figures.dossiers,
        "messages": figures.messages,
        "reasons": figures.reasons,
        "timings": figures.timings,
        "agencies": figures.agencies,
        "channels": figures.channels,
    }


def closing_value(closing: Closing) -> dict[str, Any]:
    """A closing as a manifest holds it; one from before something of it was kept is as it was then."""
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
    """ISO 8601 in UTC, to the microsecond."""
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


def _order(cell: str) -> tuple[int, int, str]:
    """Numbers by their size, before words; nothing first."""
    if not cell:
        return (0, 0, "")
    return (1, int(cell), "") if cell.isdecimal() and cell.isascii() else (2, 0, cell)
