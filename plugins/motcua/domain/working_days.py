"""Which days an agency works: the weekly pattern, the days that deviate from it, and what the law makes of them.

Layers, the later over the earlier: the package ``holidays`` (public holidays and the swaps it knows), decisions of the
government (swapped days that it does not know), the agency itself (own closing days, extra days, Saturday mornings).
A day of a year that nobody seeded is answered by the package: the calendar never refuses a day.

Days are days of Vietnam (Asia/Ho_Chi_Minh, UTC+7, no summer time).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from importlib.metadata import version
from typing import Literal, TypeAlias, get_args

import holidays

Opening: TypeAlias = Literal["closed", "full", "morning"]
"""What a desk does on a day: closed all day, open morning and afternoon, open in the morning only."""
Origin: TypeAlias = Literal["package", "decision", "agency"]
"""Where a deviation comes from, in the order of the layers."""

NEXT_YEAR_DUE = (12, 1)
"""Month and day from which on the next year should be confirmed; announcements come weeks before it."""
SATURDAY = 5
_ONE_DAY = timedelta(days=1)
_LAYERS: tuple[str, ...] = get_args(Origin)
_SWAPPED_OFF = "Nghỉ hoán đổi, làm bù ngày"
_SWAPPED_WITH = re.compile(r"thay cho ngày (\d{2})/(\d{2})/(\d{4})")


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that deviates from the weekly pattern."""

    day: date
    opening: Opening
    reason: str
    """In Vietnamese, as staff read it."""
    origin: Origin
    authority: str
    """The package with its version, the decision's number and date, or the agency's notice."""

    @property
    def is_swapped_off(self) -> bool:
        """A working day that is off because a weekend day is worked in its place; its reason says so (``swapped``)."""
        return self.opening == "closed" and self.reason.startswith(_SWAPPED_OFF)


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """An agency's hours from a day on, clock of Vietnam; by default those in use: Monday to Friday, no Saturdays."""

    valid_from: date = date.min
    opens: time = time(7, 0)
    morning_ends: time = time(11, 30)
    afternoon_begins: time = time(13, 30)
    closes: time = time(17, 0)
    saturday_mornings: bool = False
    authority: str = ""
    """The agency's notice; empty for the usual hours."""


DEFAULT_HOURS = OfficeHours()


class WorkingCalendar:
    """The working days of one agency, or of a province where no agency is meant.

    Args:
        special_days: deviations of all layers; for a day with several the last layer counts.
        hours: office hours with the day they begin; before the first one ``DEFAULT_HOURS`` count.
        seeded_years: years whose package layer is among ``special_days``; others are looked up in the package.
    """

    def __init__(
        self,
        special_days: Iterable[SpecialDay] = (),
        hours: Iterable[OfficeHours] = (),
        seeded_years: Collection[int] = (),
    ) -> None:
        self._special = {
            special.day: special for special in sorted(special_days, key=lambda each: _LAYERS.index(each.origin))
        }
        self._hours = sorted(hours, key=lambda each: each.valid_from)
        self._begins = [each.valid_from for each in self._hours]
        self._seeded = frozenset(seeded_years)

    def hours_on(self, day: date) -> OfficeHours:
        """The office hours in force on a day."""
        position = bisect_right(self._begins, day)
        return self._hours[position - 1] if position else DEFAULT_HOURS

    def special_day(self, day: date) -> SpecialDay | None:
        """What makes this day deviate from the weekly pattern, if anything does."""
        special = self._special.get(day)
        if special is None and day.year not in self._seeded:
            special = _days_of_package(day.year).get(day)
        return special

    def special_days(self, year: int) -> list[SpecialDay]:
        """The days of a year that deviate from the weekly pattern, in order; Saturday mornings are part of it."""
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        days = (self.special_day(date.fromordinal(number)) for number in range(first, last + 1))
        return [special for special in days if special is not None]

    def opening(self, day: date) -> Opening:
        """What the desk does on a day."""
        special = self.special_day(day)
        if special is not None:
            return special.opening
        if day.weekday() < SATURDAY:
            return "full"
        return "morning" if day.weekday() == SATURDAY and self.hours_on(day).saturday_mornings else "closed"

    def is_working_day(self, day: date) -> bool:
        """Whether the desk is open on this day, be it for the morning alone."""
        return self.opening(day) != "closed"

    def next_working_day(self, day: date) -> date:
        """The first working day strictly after ``day``.

        Raises:
            OverflowError: there is none before the end of the year 9999.
        """
        following = day + _ONE_DAY
        while not self.is_working_day(following):
            following += _ONE_DAY
        return following

    def why_open(self, day: date) -> str | None:
        """Why the desk is open on a day that is off by the week, in Vietnamese; ``None`` on every other day."""
        if day.weekday() < SATURDAY or not self.is_working_day(day):
            return None
        special = self.special_day(day)
        return special.reason if special is not None else "Làm việc sáng thứ Bảy"

    def count_working_days(self, first: date, last: date) -> int:
        """Working days from ``first`` to ``last``, both counted; 0 where ``last`` is before ``first``."""
        return sum(self.is_working_day(date.fromordinal(n)) for n in range(first.toordinal(), last.toordinal() + 1))


def swapped(off: date, worked: date, origin: Origin, authority: str) -> tuple[SpecialDay, SpecialDay]:
    """A working day that is off and the weekend day that is worked in its place (hoán đổi ngày làm việc)."""
    return (
        SpecialDay(off, "closed", f"{_SWAPPED_OFF} {written_day(worked)}", origin, authority),
        SpecialDay(worked, "full", f"Làm bù cho ngày nghỉ {written_day(off)}", origin, authority),
    )


def written_day(day: date) -> str:
    """A date as official texts write it: 5/9/2016."""
    return f"{day.day}/{day.month}/{day.year}"


def package_version() -> str:
    """The package that seeds the calendar, with its version: ``holidays 0.109``."""
    return f"holidays {version('holidays')}"


def days_from_package(year: int) -> tuple[SpecialDay, ...]:
    """The days of a year that deviate from the week by the package ``holidays``: public holidays, also those on
    weekends, days off in lieu, swapped days. Empty for years that it does not know (before 1954, after 2100)."""
    return tuple(_days_of_package(year).values())


@lru_cache(maxsize=64)
def _days_of_package(year: int) -> dict[date, SpecialDay]:
    authority = package_version()
    # A swap can reach over New Year's Eve, so the neighbours are asked too.
    known = holidays.country_holidays("VN", years=(year - 1, year, year + 1), language="vi")
    found = {
        day: SpecialDay(day, "closed", name, "package", authority)
        for day, name in sorted(known.items())
        if day.year == year
    }
    for day, name in known.items():
        if swap := _SWAPPED_WITH.search(name):
            worked = date(int(swap[3]), int(swap[2]), int(swap[1]))
            off, instead = swapped(day, worked, "package", authority)
            found |= {each.day: each for each in (off, instead) if each.day.year == year}
    for day in known.weekend_workdays:
        if day.year == year and day not in found:
            found[day] = SpecialDay(day, "full", "Làm bù", "package", authority)
    return dict(sorted(found.items()))
