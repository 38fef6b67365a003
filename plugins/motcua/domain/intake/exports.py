"""Decide when an export file was made, and whether dossiers that a whole export lacks were really deleted.

A *whole* export contains all dossiers, unlike an export of changes.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Final

from motcua.domain.clock import VIETNAM
from motcua.domain.intake.merging import CLOCKS_MAY_DIFFER, ENDED, Key

_FEWEST_LOST: Final = 4
"""If an export lacks fewer dossiers than this, it never counts as cut off."""
_TIME = r"(?:[-_. T]*(?P<hour>\d{2})[-_.:h]?(?P<minute>\d{2})(?:[-_.:m]?(?P<second>\d{2}))?(?!\d))?"
_YEAR_FIRST = re.compile(
    r"(?<!\d)(?P<year>20\d{2})(?P<between>[-_.]?)(?P<month>\d{2})(?P=between)(?P<day>\d{2})" + _TIME, re.ASCII
)
_DAY_FIRST = re.compile(
    r"(?<!\d)(?P<day>\d{2})(?P<between>[-_.])(?P<month>\d{2})(?P=between)(?P<year>20\d{2})" + _TIME, re.ASCII
)


@dataclass(frozen=True, slots=True)
class ExportedDossier:
    """A dossier that earlier exports contained."""

    dossier_no: int
    agency_code: str
    dossier_code: str
    status_code: int | None
    is_vanished: bool
    """``True`` if newer whole exports no longer contain the dossier."""


@dataclass(slots=True)
class Compared:
    """The comparison of a whole export with the dossiers of earlier exports.

    ``there``: number of open dossiers in earlier exports. ``missing``: how many of these dossiers the export lacks.
    ``gone``: this system's numbers of the dossiers that the export lacks for the first time. ``back``: this system's
    numbers of the dossiers that the export contains again.
    """

    there: int = 0
    missing: int = 0
    gone: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)


class FromTheFuture(ValueError):
    """Raised if a file's name gives a time in the future."""


def exported_at(name: str, modified_at: datetime, now: datetime) -> datetime:
    """Return when an export was made: the time in its file name, in Vietnam's time zone, or when the file last changed.

    If the name gives only a day and the file was last changed on that day, the time of this change counts. If it was
    changed on another day, the beginning of the day in the name counts.

    Raises:
        FromTheFuture: the name gives a time in the future.
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
    """Return the key that sorts names of exports that were made at the same time: ``2.csv`` before ``10.csv``."""
    return tuple(
        (text, int(number) if number else -1) for text, number in re.findall(r"([^0-9]*)([0-9]*)", name.casefold())
    )


def looks_cut(before: int, now: int, least_percent: int) -> bool:
    """Return whether so many dossiers are missing that the export was probably cut off.

    Args:
        before: number of dossiers in the export before, or number of open dossiers in all earlier exports.
        now: number of dossiers in this export, or how many of those open dossiers it contains.
        least_percent: if fewer dossiers than this percentage remain, the export counts as cut off.
    """
    return before - now >= _FEWEST_LOST and now * 100 < before * least_percent


def compare(known: Iterable[ExportedDossier], present: Container[Key]) -> Compared:
    """Compare the dossiers of a whole export with the dossiers of earlier exports."""
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
