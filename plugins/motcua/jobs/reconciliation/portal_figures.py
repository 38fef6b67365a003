"""Reads files with figures of the national portal. These figures are compared with closings and are not part of them.

Good lines are stored; faulty lines are reported with line and column. A line that repeats stored figures adds nothing.
If a line has other figures for its agency and period than those stored, the new figures count from then on, and the
earlier figures remain stored.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import BeforeValidator

from motcua.domain.intake.portal_figures import ComparedAgency, PortalFigures
from motcua.domain.periods import Period
from motcua.domain.phones.reading import mask_phones
from motcua.domain.words import AgencyWords, clean_cell, fold
from motcua.domain.written_times import read_period
from motcua.jobs.handed_in.faults import FileFault, FileRefused, report_words
from motcua.jobs.handed_in.tables import ColumnSpec, Table, agency_in, read_table, read_values, wrong
from motcua.store.agencies import agency_words
from motcua.store.intake.portal_figures import NewPortalFigures, compare_periods, save_portal_figures
from motcua.store.ledger.database import connect

LARGEST_FILE: Final = 20 * 1024 * 1024
"""Largest file, in bytes."""
MOST_ROWS: Final = 50_000
EARLIEST: Final = date(2016, 1, 1)
"""Beginning of the year of the pilot; no earlier period was closed."""
_PeriodColumn: TypeAlias = Literal["day", "month", "period"]
_PERIODS: Final[tuple[_PeriodColumn, ...]] = get_args(_PeriodColumn)
_WHOLE: Final = re.compile(r"[0-9]{1,7}|[1-9][0-9]{0,2}(?:[. ][0-9]{3}){1,2}")
"""Whole numbers of up to seven digits, or of up to nine digits in groups of three. A comma is refused, because it may
be a decimal sign."""


@lru_cache(maxsize=1)
def _totals() -> frozenset[str]:
    return frozenset(fold(word) for word in report_words("portal_figures")["totals"])


# --- Columns ----------------------------------------------------------------------------------------------------


def _columns(agencies: AgencyWords, now: datetime) -> dict[str, ColumnSpec]:
    headings: Mapping[str, Sequence[str]] = report_words("portal_figures")["columns"]

    def period_of(column: _PeriodColumn) -> ColumnSpec:
        value = Annotated[Any, BeforeValidator(lambda written: _period(column, written, now))]
        return ColumnSpec(headings[column], value)

    return {
        "agency": ColumnSpec(headings["agency"], agency_in(agencies), required=True, filled=True),
        **{column: period_of(column) for column in _PERIODS},
        "received": ColumnSpec(headings["received"], _Whole, required=True, filled=True),
        "resolved": ColumnSpec(headings["resolved"], _Whole, required=True, filled=True),
        "returned": ColumnSpec(headings["returned"], _Whole),
    }


def _period(column: _PeriodColumn, written: str, now: datetime) -> Period:
    """Return the day or month that a cell names; the column's heading may state which of the two it is."""
    found = read_period(written)
    if found is None:
        raise wrong("bad_period")
    if column == "period" and found.may_be_month:
        raise wrong("bare_month", month=f"{found.month:02}/{found.year}")
    day = None if column == "month" and found.day == 1 else found.day
    if (column == "day" and day is None) or (column == "month" and day is not None):
        raise wrong("bad_period")
    try:
        if day is None:
            period = Period(date(found.year, found.month, 1), "month")
        else:
            period = Period(date(found.year, found.month, day))
        # Parsing also checks the range of years that a period may have.
        period = Period.parse(str(period))
    except ValueError:
        raise wrong("bad_period") from None
    if period.first < EARLIEST:
        raise wrong("too_early")
    if period.end > now:
        raise wrong("not_over")
    return period


def _whole(written: str) -> int:
    if re.fullmatch(r"[0-9]{8,}", written):
        raise wrong("too_large_number")
    if not _WHOLE.fullmatch(written):
        raise wrong("bad_whole")
    return int(re.sub(r"[. ]", "", written))


_Whole: TypeAlias = Annotated[int, BeforeValidator(_whole)]


# --- Files ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PortalFiguresRead:
    """The content of one file."""

    figures: Sequence[NewPortalFigures]
    """The figures of the file, each agency and period once."""
    repeated: int
    """Number of good lines that repeat an earlier line of the file."""
    faults: Sequence[FileFault]
    """The first fault of each line that cannot be used, in the order of the lines."""


def read_portal_figures(content: bytes, name: str, agencies: AgencyWords, now: datetime) -> PortalFiguresRead:
    """Read the figures of a file: CSV (UTF-8 or UTF-16) or the first sheet of an Excel workbook.

    Args:
        content: the file's bytes.
        name: the file's name; its ending states which of the two formats it has.
        agencies: codes of agencies by each code or name that the file may use for them.
        now: the current moment; periods that are not over have no figures yet.

    Raises:
        FileRefused: The file is no table, lacks headings or lines, or is too large.
    """
    columns = _columns(agencies, now)
    table = read_table(content, name, columns, largest=LARGEST_FILE, most_rows=MOST_ROWS)
    if not table.columns.keys() & set(_PERIODS):
        headings = " / ".join(columns[column].headings[0] for column in _PERIODS)
        fault = FileFault("missing_heading", table.sheet, table.heading_row + 1, values={"headings": headings})
        raise FileRefused(name, [fault])
    if not len(table.rows):
        raise FileRefused(name, [FileFault("no_lines", table.sheet)])
    lines = [not _is_sum(table, cells) for cells in table.rows.itertuples(index=False, name=None)]
    values = read_values(table, columns, table.rows[lines])
    good: dict[tuple[str, str], list[tuple[str, NewPortalFigures]]] = defaultdict(list)
    faults: dict[int, FileFault] = {}
    named = table.texts("agency")
    assert named is not None
    for index, row, wrongs in values.lines():
        wrong_here = next(iter(wrongs.values()), None) or _fault_of_periods(table, index, row)
        if wrong_here is not None:
            faults[index] = wrong_here
            continue
        period = str(next(row[column] for column in _PERIODS if row[column]))
        read = NewPortalFigures(row["agency"], period, row["received"], row["resolved"], row["returned"], index + 1)
        good[read.agency_code, period].append((named[index], read))
    figures: list[NewPortalFigures] = []
    repeated = 0
    for same_period in good.values():
        if len({(written, each.received, each.resolved, each.returned) for written, each in same_period}) == 1:
            figures.append(same_period[0][1])
            repeated += len(same_period) - 1
            continue
        # Several lines for one agency and period are refused unless they are equal. They may be about parts of the
        # agency, each with its own code, and only people can choose one line or add the lines up.
        for _, each in same_period:
            other = next(line.file_line for _, line in same_period if line is not each)
            faults[each.file_line - 1] = table.fault("twice", each.file_line - 1, "agency", other=other)
    return PortalFiguresRead(
        sorted(figures, key=lambda each: each.file_line), repeated, [faults[index] for index in sorted(faults)]
    )


def _is_sum(table: Table, cells: Sequence[object]) -> bool:
    """Return whether a line is a total: the agency's cell has a word for a total or, if that cell is empty, a cell
    before it has such a word."""
    place = table.columns["agency"]
    agency = clean_cell(str(cells[place]))
    before = [clean_cell(str(cell)) for cell in cells[:place]]
    return any(fold(cell) in _totals() for cell in ([agency] if agency else before))


def _fault_of_periods(table: Table, index: int, row: Mapping[str, Any]) -> FileFault | None:
    """Return the fault of a line that names no period or several periods. ``None`` if the line names exactly one."""
    filled = [column for column in _PERIODS if row[column]]
    if len(filled) == 1:
        return None
    if filled:
        return table.fault("several_periods", index, filled[1])
    return table.fault("missing", index, next(column for column in _PERIODS if column in table.columns))


@dataclass(frozen=True, slots=True)
class HandedIn:
    """The result of handing in a file, or of a dry run."""

    lines: int
    """Number of good lines in the file."""
    new: Sequence[PortalFigures]
    """Figures that were newly stored; the remaining good lines were stored before."""
    faults: Sequence[FileFault]
    compared: Sequence[ComparedAgency]
    """The newest figures of the file's agencies and periods, beside the newest closings."""


def hand_in_portal_figures(
    content: bytes, name: str, handed_in_by: str, now: datetime, *, dry_run: bool = False
) -> HandedIn:
    """Store the good lines of a file, and compare them with the closings of their periods.

    Args:
        content: the file's bytes.
        name: the file's name, without a folder.
        handed_in_by: the person who hands the file in.
        now: the current moment.
        dry_run: only return what would be stored.

    Raises:
        FileRefused: The file cannot be read as a table of such figures; nothing was stored.
    """
    file = (mask_phones(name), hashlib.sha256(content).hexdigest())
    with connect() as connection:
        read = read_portal_figures(content, name, agency_words(connection), now)
        new = save_portal_figures(connection, read.figures, handed_in_by, now, file=file)
        of_file = {(each.agency_code, each.period) for each in read.figures}
        compared = [
            each
            for each in compare_periods(connection, sorted({period for _, period in of_file}))
            if (each.newest.agency_code, each.newest.period) in of_file
        ]
        if dry_run:
            connection.rollback()
    return HandedIn(len(read.figures) + read.repeated, new, read.faults, compared)
