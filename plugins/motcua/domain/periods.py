"""Days and months by the clock of Vietnam: what closings, statements and figures are of."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from motcua.domain.clock import VIETNAM

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_ONE_DAY = timedelta(days=1)


class NotAPeriod(ValueError):
    """The words name neither a day nor a month."""


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a month, by the calendar of Vietnam."""

    first: date
    is_month: bool = False

    def __post_init__(self) -> None:
        """Raises: NotAPeriod: a month that does not begin with its first day."""
        if self.is_month and self.first.day != 1:
            raise NotAPeriod(f"a month begins with its first day, not {self.first}")

    @classmethod
    def parse(cls, words: str) -> Period:
        """``2026-11-24`` is a day, ``2026-11`` a month, of the years 2000 to 2100.

        Raises:
            NotAPeriod: it is neither, or there is no such day.
        """
        with contextlib.suppress(ValueError):
            if _DAY.fullmatch(words) or _MONTH.fullmatch(words):
                period = cls(date.fromisoformat(f"{words}-01"[:10]), is_month=len(words) == len("2026-11"))
                if 2000 <= period.first.year <= 2100:
                    return period
        raise NotAPeriod(f"{words!r} is neither a day such as 2026-11-24 nor a month such as 2026-11")

    @classmethod
    def day_before(cls, moment: datetime) -> Period:
        """The day before the one that the moment lies in."""
        return cls(moment.astimezone(VIETNAM).date() - _ONE_DAY)

    @classmethod
    def month_before(cls, moment: datetime) -> Period:
        """The month before the one that the moment lies in."""
        return cls.month_at(moment).previous

    @classmethod
    def month_at(cls, moment: datetime) -> Period:
        """The month that the moment lies in."""
        return cls.month_of(moment.astimezone(VIETNAM).date())

    @classmethod
    def month_of(cls, day: date) -> Period:
        """The month of a day."""
        return cls(day.replace(day=1), is_month=True)

    @property
    def last(self) -> date:
        """Its last day."""
        if not self.is_month:
            return self.first
        return (self.first + timedelta(days=31)).replace(day=1) - _ONE_DAY

    @property
    def start(self) -> datetime:
        """Its first moment, 00:00 in Vietnam."""
        return datetime.combine(self.first, time(), VIETNAM)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + _ONE_DAY, time(), VIETNAM)

    @property
    def previous(self) -> Period:
        """The day or month before."""
        before = self.first - _ONE_DAY
        return Period(before.replace(day=1) if self.is_month else before, self.is_month)

    @property
    def next(self) -> Period:
        """The day or month after."""
        return Period(self.last + _ONE_DAY, self.is_month)

    @property
    def days(self) -> Iterator[Period]:
        """Its days, each a period."""
        return (Period(self.first + timedelta(days=n)) for n in range((self.last - self.first).days + 1))

    def __str__(self) -> str:
        """As ``parse`` reads it."""
        return f"{self.first:%Y-%m}" if self.is_month else self.first.isoformat()
