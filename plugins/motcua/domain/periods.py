"""Define the days, months, quarters and years in Vietnam for which figures are closed (counted and stored) or
compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, TypeAlias, get_args

from motcua.domain.clock import VIETNAM

PeriodLength: TypeAlias = Literal["day", "month", "quarter", "year"]
LENGTHS: tuple[PeriodLength, ...] = get_args(PeriodLength)
"""Lengths of periods in ascending order."""

_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_QUARTER = re.compile(r"([0-9]{4})-Q([1-4])")
_YEAR = re.compile(r"[0-9]{4}")
_ONE_DAY = timedelta(days=1)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


class NotAPeriod(ValueError):
    """Raised if a text names no day, month, quarter or year."""


@dataclass(frozen=True, slots=True)
class Period:
    """A day, a month, a quarter or a year, by the calendar of Vietnam."""

    first: date
    length: PeriodLength = "day"

    def __post_init__(self) -> None:
        """Check the first day.

        Raises:
            NotAPeriod: a month, quarter or year does not begin on its first day.
        """
        if self.length != "day" and (self.first.day != 1 or (self.first.month - 1) % _MONTHS[self.length]):
            raise NotAPeriod(f"a {self.length} begins with its first day, not {self.first}")

    @classmethod
    def parse(cls, words: str) -> Period:
        """Read a period: ``2026-11-24`` is a day, ``2026-11`` a month, ``2026-Q4`` a quarter and ``2026`` a year.

        Years from 2000 to 2100 are accepted.

        Raises:
            NotAPeriod: the text has none of these forms, or there is no such day.
        """
        try:
            period = cls._match_form(words)
        except ValueError:
            period = None
        if period is None or not 2000 <= period.first.year <= 2100:
            raise NotAPeriod(
                f"{words!r} is neither a day such as 2026-11-24, a month such as 2026-11, a quarter such as 2026-Q4 "
                "nor a year such as 2026"
            )
        return period

    @classmethod
    def _match_form(cls, words: str) -> Period | None:
        if found := _DAY.fullmatch(words):
            return cls(date(*map(int, found.groups())))
        if found := _MONTH.fullmatch(words):
            return cls(date(int(found[1]), int(found[2]), 1), "month")
        if found := _QUARTER.fullmatch(words):
            return cls(date(int(found[1]), 3 * int(found[2]) - 2, 1), "quarter")
        return cls(date(int(words), 1, 1), "year") if _YEAR.fullmatch(words) else None

    @classmethod
    def day_before(cls, moment: datetime) -> Period:
        """Return the day before the day in which a moment lies."""
        return cls(moment.astimezone(VIETNAM).date() - _ONE_DAY)

    @classmethod
    def month_before(cls, moment: datetime) -> Period:
        """Return the month before the month in which a moment lies."""
        return cls.month_at(moment).previous

    @classmethod
    def month_at(cls, moment: datetime) -> Period:
        """Return the month in which a moment lies."""
        return cls.month_of(moment.astimezone(VIETNAM).date())

    @classmethod
    def month_of(cls, day: date) -> Period:
        """Return the month of a day."""
        return cls(day.replace(day=1), "month")

    @property
    def is_day(self) -> bool:
        """Return whether the period is one day. The closing of a longer period is made from its days."""
        return self.length == "day"

    @property
    def number(self) -> int:
        """Return the number of a day in its month, of a month or quarter in its year, or the year itself."""
        places = {"day": self.first.day, "month": self.first.month, "quarter": self.first.month // 3 + 1}
        return places.get(self.length, self.first.year)

    @property
    def last(self) -> date:
        """Return the last day of the period."""
        if self.is_day:
            return self.first
        months = self.first.year * 12 + self.first.month - 1 + _MONTHS[self.length]
        return date(months // 12, months % 12 + 1, 1) - _ONE_DAY

    @property
    def start(self) -> datetime:
        """Return the first moment of the period, 00:00 in Vietnam."""
        return datetime.combine(self.first, time(), VIETNAM)

    @property
    def end(self) -> datetime:
        """Return the first moment after the period."""
        return datetime.combine(self.last + _ONE_DAY, time(), VIETNAM)

    @property
    def previous(self) -> Period:
        """Return the period of equal length before this period."""
        before = self.first - _ONE_DAY
        if self.is_day:
            return Period(before)
        month = before.month - _MONTHS[self.length] + 1
        return Period(before.replace(month=month, day=1), self.length)

    @property
    def next(self) -> Period:
        """Return the period of equal length after this period."""
        return Period(self.last + _ONE_DAY, self.length)

    @property
    def days(self) -> Iterator[Period]:
        """Return the days of the period, each as a period."""
        return (Period(self.first + timedelta(days=n)) for n in range((self.last - self.first).days + 1))

    @property
    def last_month(self) -> Period:
        """Return the month of the period's last day."""
        return Period.month_of(self.last)

    @property
    def ending_with(self) -> Iterator[Period]:
        """Return the periods that end with this month, the shortest first: the month, its quarter, its year."""
        for length in LENGTHS[1:]:
            months = _MONTHS[length]
            if self.first.month % months == 0 and months >= _MONTHS[self.length]:
                yield Period(self.first.replace(month=self.first.month - months + 1), length)

    def __str__(self) -> str:
        """Return the period in the form that ``parse`` reads."""
        if self.length == "quarter":
            return f"{self.first:%Y}-Q{self.number}"
        return self.first.isoformat()[: {"day": 10, "month": 7}.get(self.length, 4)]
