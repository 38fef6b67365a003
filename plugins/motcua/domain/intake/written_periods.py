"""A day or a month as tables of figures write it: by people, by programs, by what a spreadsheet made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_DAYS: Final = (
    re.compile(r"(?:ngày )?(?P<day>[0-9]{1,2})(?:[/.-]| tháng )(?P<month>[0-9]{1,2})(?:[/.-]| năm )(?P<year>[0-9]{4})"),
    re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})(?:[ T]00:00(?::00(?:\.0+)?)?)?"),
)
_MONTHS: Final = (
    re.compile(r"(?:tháng )?(?P<month>[0-9]{1,2})(?:[/.-]| năm )(?P<year>[0-9]{4})"),
    re.compile(r"(?P<year>[0-9]{4})[-/](?P<month>[0-9]{1,2})"),
)
_MADE_A_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-01[ T]00:00.*")
"""What Excel makes of a month, and of the first day of one."""


@dataclass(frozen=True, slots=True)
class WrittenPeriod:
    """What a cell says; that there is such a day nobody has looked at."""

    year: int
    month: int
    day: int | None
    """``None``: it is a month."""
    may_be_month: bool
    """It is the first of a month at midnight, as a spreadsheet writes a bare month."""


def read_period(written: str) -> WrittenPeriod | None:
    """The day or month that is written, by people (``ngày 24 tháng 11 năm 2026``) or programs; ``None``: neither."""
    words = re.sub(r"\s+", " ", written).lower()
    if day := _found(_DAYS, words):
        return WrittenPeriod(day["year"], day["month"], day["day"], _MADE_A_DAY.fullmatch(words) is not None)
    if month := _found(_MONTHS, words):
        return WrittenPeriod(month["year"], month["month"], None, may_be_month=False)
    return None


def _found(forms: Sequence[re.Pattern[str]], words: str) -> dict[str, int] | None:
    for form in forms:
        if match := form.fullmatch(words):
            return {name: int(value) for name, value in match.groupdict().items()}
    return None
