"""Decide which days an agency works, from the weekly pattern and the days that deviate from it.

A swap makes a weekday free, and a weekend day is worked instead. The deviations have three layers, and a later layer
overrides an earlier one: the package ``holidays`` (public holidays and the swaps that it knows), decisions of the
government (other swaps), and the agency itself (days on which it is closed, and extra working days). For a year that
nobody has entered into the ledger the days of the package are used, so every day can be decided.

Days are days in Vietnam's time zone (Asia/Ho_Chi_Minh, UTC+7, no summer time).
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
"""When a desk is open on a day: not at all, in the morning and the afternoon, or in the morning only."""
Origin: TypeAlias = Literal["package", "decision", "agency"]
"""The layer that a deviation comes from, in the order of the layers."""

NEXT_YEAR_DUE = (12, 1)
"""Month and day from which on the next year's calendar should be confirmed.

The government announces the holidays of the next year weeks earlier.
"""
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
    """The reason in Vietnamese, which staff read."""
    origin: Origin
    authority: str
    """The basis of the deviation: the package with its version, a decision with its number and date, or the agency's
    notice."""

    @property
    def is_swapped_off(self) -> bool:
        """Return whether this is a day off that was swapped with a weekend day.

        The day is recognised by its reason, which the function ``swapped`` writes.
        """
        return self.opening == "closed" and self.reason.startswith(_SWAPPED_OFF)


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """An agency's office hours, valid from a certain day on, in Vietnam's time.

    The defaults are the usual hours, without Saturdays.
    """

    valid_from: date = date.min
    opens: time = time(7, 0)
    morning_ends: time = time(11, 30)
    afternoon_begins: time = time(13, 30)
    closes: time = time(17, 0)
    saturday_mornings: bool = False
    authority: str = ""
    """The agency's notice that announced these hours; empty for the usual hours."""


DEFAULT_HOURS = OfficeHours()


class WorkingCalendar:
    """The working days of one agency, or of a province without its agencies' deviations.

    Args:
        special_days: deviations of all layers. If a day has several deviations, the last layer counts.
        hours: office hours, each with the day from which they are valid. Before the first such day ``DEFAULT_HOURS``
            are valid.
        seeded_years: years whose package layer is among ``special_days``. For other years the package itself is read.
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
        """Return the office hours that are valid on a day."""
        position = bisect_right(self._begins, day)
        return self._hours[position - 1] if position else DEFAULT_HOURS

    def special_day(self, day: date) -> SpecialDay | None:
        """Return the deviation of a day from the weekly pattern, if there is one."""
        special = self._special.get(day)
        if special is None and day.year not in self._seeded:
            special = _package_days(day.year).get(day)
        return special

    def special_days(self, year: int) -> list[SpecialDay]:
        """Return the days of a year that deviate from the weekly pattern, in order.

        Saturday mornings belong to the weekly pattern and are not listed.
        """
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        days = (self.special_day(date.fromordinal(number)) for number in range(first, last + 1))
        return [special for special in days if special is not None]

    def opening(self, day: date) -> Opening:
        """Return the opening of the desk on a day."""
        special = self.special_day(day)
        if special is not None:
            return special.opening
        if day.weekday() < SATURDAY:
            return "full"
        return "morning" if day.weekday() == SATURDAY and self.hours_on(day).saturday_mornings else "closed"

    def is_working_day(self, day: date) -> bool:
        """Return whether the desk is open on a day, at least in the morning."""
        return self.opening(day) != "closed"

    def next_working_day(self, day: date) -> date:
        """Return the first working day strictly after ``day``.

        Raises:
            OverflowError: there is no working day before the end of the year 9999.
        """
        following = day + _ONE_DAY
        while not self.is_working_day(following):
            following += _ONE_DAY
        return following

    def why_open(self, day: date) -> str | None:
        """Return, in Vietnamese, why the desk is open on a weekend day; ``None`` on every other day."""
        if day.weekday() < SATURDAY or not self.is_working_day(day):
            return None
        special = self.special_day(day)
        return special.reason if special is not None else "Làm việc sáng thứ Bảy"

    def count_working_days(self, first: date, last: date) -> int:
        """Count the working days from ``first`` to ``last``, both included; 0 if ``last`` is before ``first``."""
        return sum(self.is_working_day(date.fromordinal(n)) for n in range(first.toordinal(), last.toordinal() + 1))


def swapped(off: date, worked: date, origin: Origin, authority: str) -> tuple[SpecialDay, SpecialDay]:
    """Return the two deviations of a swap (hoán đổi ngày làm việc): the day off, and the weekend day that is worked."""
    return (
        SpecialDay(off, "closed", f"{_SWAPPED_OFF} {written_day(worked)}", origin, authority),
        SpecialDay(worked, "full", f"Làm bù cho ngày nghỉ {written_day(off)}", origin, authority),
    )


def written_day(day: date) -> str:
    """Write a date as official texts do: 5/9/2016."""
    return f"{day.day}/{day.month}/{day.year}"


def package_version() -> str:
    """Return the name and version of the package that seeds the calendar: ``holidays 0.109``."""
    return f"holidays {version('holidays')}"


def days_from_package(year: int) -> tuple[SpecialDay, ...]:
    """Return the deviations of a year that the package ``holidays`` knows.

    The deviations are public holidays (also those on weekends), days off in lieu, and swapped days. The result is empty
    for years that the package does not know, such as those after 2100.
    """
    return tuple(_package_days(year).values())


@lru_cache(maxsize=64)
def _package_days(year: int) -> dict[date, SpecialDay]:
    authority = package_version()
    # A swapped pair of days may lie in two years, so the neighbouring years are read too.
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
