"""Months by the clock of Vietnam."""

from __future__ import annotations

from datetime import date, datetime

from motcua.domain.occasions import VIETNAM


def first_of(moment: datetime) -> date:
    """First day of the month that a moment lies in."""
    return moment.astimezone(VIETNAM).date().replace(day=1)


def month_after(month: date) -> date:
    """First day of the next month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_before(month: date) -> date:
    """First day of the month before."""
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def month_bounds(month: date) -> tuple[datetime, datetime]:
    """When a month, named by its first day, begins and when the next one does."""
    begins, ends = (datetime.combine(day, datetime.min.time(), VIETNAM) for day in (month, month_after(month)))
    return begins, ends
