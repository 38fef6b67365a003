"""Takes files with figures of the national portal, to be compared with closings; no closing or publication has them.

Good lines are taken, broken ones are told by line and column. The same file, or another that says the same, adds
nothing; a corrected one replaces what was said of its agency and period, and both are kept.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import yaml

from motcua.domain.intake.portal_figures import ComparedAgency, PortalFigures
from motcua.domain.intake.written_periods import read_period
from motcua.domain.periods import Period
from motcua.domain.phones.reading import mask_phones
from motcua.jobs.handed_in.agency_words import AgencyWords, SeveralAgencies, agencies_by_word, agency_of
from motcua.jobs.handed_in.tables import (
    FaultCode,
    FileFault,
    FileRefused,
    OnlyLooked,
    Table,
    clean_cell,
    find_table,
    fold,
    read_sheet,
)
from motcua.settings import include_dir
from motcua.store.intake.portal_figures import NewPortalFigures, compare_periods, save_portal_figures
from motcua.store.ledger.database import connect

LARGEST_FILE: Final = 20 * 1024 * 1024
"""Bytes."""
MOST_ROWS: Final = 50_000
EARLIEST: Final = date(2016, 1, 1)
"""The year of the pilot: nothing was closed before."""
_PERIODS: Final = ("day", "month", "period")
_REQUIRED: Final = ("agency", "received", "resolved")

_WHOLE: Final = re.compile(r"[0-9]{1,7}|[1-9][0-9]{0,2}(?:[. ][0-9]{3}){1,2}")
"""Up to 9,999,999, also in groups of three; a comma may be a decimal sign, and is refused."""


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    path = include_dir() / "templates" / "report" / "portal_figures.vi.yaml"
    words: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return words


@lru_cache(maxsize=1)
def _totals() -> frozenset[str]:
    return frozenset(fold(word) for word in _words()["totals"])


class _Broken(Exception):
    """A cell of a line cannot be read."""

    def __init__(self, code: FaultCode, column: str | None, **values: object) -> None:
        super().__init__(code)
        self.code, self.column, self.values = code, column, values


# --- Cells ------------------------------------------------------------------------------------------------------


def _period(column: str, written: str, now: datetime) -> Period:
    """The day or the month that a cell names; the column may say which of the two it is."""
    found = read_period(written)
    if found is None:
        raise _Broken("bad_period", column)
    if column == "period" and found.may_be_month:
        raise _Broken("bare_month", column, month=f"{found.month:02}/{found.year}")
    day = None if column == "month" and found.day == 1 else found.day
    if (column == "day" and day is None) or (column == "month" and day is not None):
        raise _Broken("bad_period", column)
    try:
        if day is None:
            period = Period(date(found.year, found.month, 1), "month")
        else:
            period = Period(date(found.year, found.month, day))
        # Also held to the years that a period may be of.
        period = Period.parse(str(period))
    except ValueError:
        raise _Broken("bad_period", column) from None
    if period.first < EARLIEST:
        raise _Broken("too_early", column)
    if period.end > now:
        raise _Broken("not_over", column)
    return period


def _whole(column: str, written: str) -> int:
    if not written:
        raise _Broken("missing", column)
    if re.fullmatch(r"[0-9]{8,}", written):
        raise _Broken("too_large_number", column)
    if not _WHOLE.fullmatch(written):
        raise _Broken("bad_whole", column)
    return int(re.sub(r"[. ]", "", written))


def _agency(written: str, agencies: AgencyWords) -> str:
    if not written:
        raise _Broken("missing", "agency")
    try:
        code = agency_of(written, agencies)
    except SeveralAgencies as several:
        raise _Broken("several_agencies", "agency", agencies=str(several)) from None
    if code is None:
        raise _Broken("unknown_agency", "agency")
    return code


# --- Files ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PortalFiguresRead:
    """What a file holds."""

    figures: Sequence[NewPortalFigures]
    """Each agency and period once."""
    repeated: int
    """Good lines that say the same as one before them."""
    faults: Sequence[FileFault]
    """The lines that cannot be taken, in their order, the first thing that is wrong with each."""


def read_portal_figures(content: bytes, name: str, agencies: AgencyWords, now: datetime) -> PortalFiguresRead:
    """The figures of a file: CSV (UTF-8 or UTF-16) or the first sheet of an Excel workbook.

    Args:
        content: of the file.
        name: of the file, whose ending tells which of the two it is.
        agencies: every way in which agencies may be named → codes of those that are meant.
        now: a period that is not over has no figures yet.

    Raises:
        FileRefused: it is no table, has not the headings, has no line, or is too large.
    """
    if len(content) > LARGEST_FILE:
        raise FileRefused(name, [FileFault("too_large", values={"most": LARGEST_FILE // 1024**2})])
    columns: dict[str, list[str]] = _words()["columns"]
    table = find_table(read_sheet(content, name), name, columns, _REQUIRED)
    if not table.columns.keys() & set(_PERIODS):
        headings = " / ".join(columns[column][0] for column in _PERIODS)
        fault = FileFault("missing_heading", table.sheet, table.heading_row + 1, values={"headings": headings})
        raise FileRefused(name, [fault])
    if len(table.rows) > MOST_ROWS:
        raise FileRefused(name, [FileFault("too_many_lines", values={"most": MOST_ROWS})])
    if not len(table.rows):
        raise FileRefused(name, [FileFault("no_lines", table.sheet)])
    good: dict[tuple[str, str], list[tuple[str, NewPortalFigures]]] = defaultdict(list)
    faults: dict[int, FileFault] = {}
    spilt = set(table.spilt)
    for index, cells in zip(table.rows.index, table.rows.itertuples(index=False, name=None), strict=True):
        if _is_total(table, cells):
            continue
        try:
            if int(index) in spilt:
                raise _Broken("cells_beyond", None)
            written, read = _line(table, int(index), cells, agencies, now)
        except _Broken as broken:
            faults[int(index)] = table.fault(broken.code, int(index), broken.column, **broken.values)
        else:
            good[read.agency_code, read.period].append((written, read))
    figures: list[NewPortalFigures] = []
    repeated = 0
    for lines in good.values():
        if len({(written, each.received, each.resolved, each.returned) for written, each in lines}) == 1:
            figures.append(lines[0][1])
            repeated += len(lines) - 1
            continue
        # Also the parts of an agency may stand there, each under a code of its own: nobody chooses, and nobody adds up.
        for _, each in lines:
            other = next(line.file_line for _, line in lines if line is not each)
            faults[each.file_line - 1] = table.fault("period_twice", each.file_line - 1, "agency", other=other)
    return PortalFiguresRead(
        sorted(figures, key=lambda each: each.file_line), repeated, [faults[index] for index in sorted(faults)]
    )


def _is_total(table: Table, cells: Sequence[object]) -> bool:
    """Whether a line sums up others: it says so in place of an agency, or before an empty one."""
    place = table.columns["agency"]
    agency = clean_cell(str(cells[place]))
    before = [clean_cell(str(cell)) for cell in cells[:place]]
    return any(fold(cell) in _totals() for cell in ([agency] if agency else before))


def _line(
    table: Table, index: int, cells: Sequence[object], agencies: AgencyWords, now: datetime
) -> tuple[str, NewPortalFigures]:
    """How the line names its agency, and what it says of it."""

    def text(column: str) -> str:
        place = table.columns.get(column)
        return "" if place is None else clean_cell(str(cells[place]))

    agency = _agency(text("agency"), agencies)
    told = [column for column in _PERIODS if text(column)]
    if len(told) > 1:
        raise _Broken("several_periods", told[1])
    if not told:
        raise _Broken("missing", next(column for column in _PERIODS if column in table.columns))
    period = _period(told[0], text(told[0]), now)
    received, resolved = (_whole(column, text(column)) for column in ("received", "resolved"))
    returned = _whole("returned", text("returned")) if text("returned") else None
    return text("agency"), NewPortalFigures(agency, str(period), received, resolved, returned, index + 1)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What handing a file in did, or would do."""

    lines: int
    """Good ones."""
    new: Sequence[PortalFigures]
    """What was kept; the rest was there already."""
    faults: Sequence[FileFault]
    compared: Sequence[ComparedAgency]
    """What stands now of the agencies and periods of the file, against the newest closings."""


def hand_in_portal_figures(
    content: bytes, name: str, handed_in_by: str, now: datetime, *, dry_run: bool = False
) -> HandedIn:
    """Takes the good lines of a file and compares them with the closings of their periods.

    Args:
        content: of the file.
        name: its name, without a folder.
        handed_in_by: who.
        now: when.
        dry_run: only tell what it would do.

    Raises:
        FileRefused: the file cannot be read as a table of such figures; nothing was taken.
    """
    file = (mask_phones(name), hashlib.sha256(content).hexdigest())
    result = None
    try:
        with connect() as connection:
            read = read_portal_figures(content, name, agencies_by_word(connection), now)
            new = save_portal_figures(connection, read.figures, handed_in_by, now, file=file)
            of_file = {(each.agency_code, each.period) for each in read.figures}
            compared = [
                each
                for each in compare_periods(connection, sorted({period for _, period in of_file}))
                if (each.newest.agency_code, each.newest.period) in of_file
            ]
            result = HandedIn(len(read.figures) + read.repeated, new, read.faults, compared)
            if dry_run:
                raise OnlyLooked
    except OnlyLooked:
        pass
    assert result is not None
    return result
