"""Exports that are dropped as files: when one was made, and whether a whole one may be taken for how things stand."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final

from motcua.domain.clock import VIETNAM
from motcua.domain.intake.merging import ENDED, Key

CLOCKS_MAY_DIFFER: Final = timedelta(minutes=10)
"""What names itself later than this from now comes from a wrong clock."""
_FEWEST_LOST: Final = 4
"""Fewer dossiers may always be gone from one export to the next."""
_TIME = r"(?:[-_. T]*(?P<hour>\d{2})[-_.:h]?(?P<minute>\d{2})(?:[-_.:m]?(?P<second>\d{2}))?(?!\d))?"
_YEAR_FIRST = re.compile(
    r"(?<!\d)(?P<year>20\d{2})(?P<between>[-_.]?)(?P<month>\d{2})(?P=between)(?P<day>\d{2})" + _TIME, re.ASCII
)
_DAY_FIRST = re.compile(
    r"(?<!\d)(?P<day>\d{2})(?P<between>[-_.])(?P<month>\d{2})(?P=between)(?P<year>20\d{2})" + _TIME, re.ASCII
)


@dataclass(frozen=True, slots=True)
class ExportedDossier:
    """A dossier that exports had."""

    dossier_no: int
    agency_code: str
    dossier_code: str
    status_code: int | None
    is_vanished: bool
    """Whole exports have it no more."""


@dataclass(slots=True)
class Compared:
    """What a whole export still has of what was there: open dossiers, how many of these are ``missing``, and our
    numbers of those that it first has not, or has again."""

    there: int = 0
    missing: int = 0
    gone: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)


class FromTheFuture(ValueError):
    """A file's name tells a time that has not come yet."""


def exported_at(name: str, modified_at: datetime, now: datetime) -> datetime:
    """When an export was made: the time in its name, by the clock of Vietnam, else when it was last written.

    A name that tells a day alone leaves the time to when it was written, where that was on this day.

    Raises:
        FromTheFuture: its name tells a time that has not come yet.
    """
    written = min(modified_at, now)
    for pattern in (_YEAR_FIRST, _DAY_FIRST):
        for found in pattern.finditer(name):
            parts = found.groupdict()
            try:
                day = datetime(int(parts["year"]), int(parts["month"]), int(parts["day"]), tzinfo=VIETNAM).date()
                at = time(int(parts["hour"] or 0), int(parts["minute"] or 0), int(parts["second"] or 0))
            except ValueError:
                continue
            if parts["hour"] is None and written.astimezone(VIETNAM).date() == day:
                return written
            told = datetime.combine(day, at, VIETNAM).astimezone(UTC)
            if told > now + CLOCKS_MAY_DIFFER:
                raise FromTheFuture(name)
            return told
    return written


def by_name(name: str) -> tuple[tuple[str, int], ...]:
    """What names are put in order by, where two exports were made at once: ``2.csv`` comes before ``10.csv``."""
    return tuple(
        (text, int(number) if number else -1) for text, number in re.findall(r"([^0-9]*)([0-9]*)", name.casefold())
    )


def looks_cut(before: int, now: int, least_percent: int) -> bool:
    """Whether so few are left of what was there that the rest was rather cut off than gone.

    Args:
        before: dossiers that were there.
        now: how many of them, or in their place, are there now.
        least_percent: how many of a hundred are there from one export to the next.
    """
    return before - now >= _FEWEST_LOST and now * 100 < before * least_percent


def compare(known: Iterable[ExportedDossier], present: Container[Key]) -> Compared:
    """Holds the dossiers of a whole export against those that earlier ones had."""
    found = Compared()
    for each in known:
        is_present = (each.agency_code, each.dossier_code) in present
        if not each.is_vanished:
            is_open = each.status_code is not None and each.status_code not in ENDED
            found.there += is_open
            found.missing += is_open and not is_present
        if is_present == each.is_vanished:
            (found.back if is_present else found.gone).append(each.dossier_no)
    return found
