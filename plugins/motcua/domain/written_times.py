"""Read times, days and months as people, programs and spreadsheets write them.

Each form is defined here once. The caller chooses the forms that it accepts. No form can be read in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, TypeAlias

from motcua.domain.clock import VIETNAM

Shape: TypeAlias = Literal["day_first", "time_first", "year_first", "digits", "epoch", "serial"]
"""Form of a written time.

``day_first``: ``24/11/2026 8:30``. ``time_first``: ``8h30 ngày 24/11/2026``. ``year_first``:
``2026-11-24T08:30+07:00``. ``digits``: ``20261124[0830[00]]``. ``epoch``: milliseconds since 1970. ``serial``: Excel's
count of days since 30/12/1899.
"""

_DAY: Final = r"(?:ngày )?(?P<day>\d{1,2})(?:[/.-]| tháng )(?P<month>\d{1,2})(?:[/.-]| năm )(?P<year>\d{4})"
_YEAR: Final = r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
_CLOCK: Final = r"(?P<hour>\d{1,2})(?::|h|g| giờ )(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
_PATTERNS: Final[Mapping[Shape, str]] = {
    "epoch": r"(?:/Date\((?P<epoch>\d{12,13})(?:[+-]\d{4})?\)/|(?P<bare_epoch>\d{13}))",
    "digits": r"(?P<digits>\d{14}|\d{12}(?!\d)|\d{8}(?!\d))\d*",
    "serial": r"(?P<serial>[3-6]\d{4}(?:[.,]\d+)?)",
    "year_first": rf"{_YEAR}(?:[T ]+{_CLOCK})? ?(?P<zone>Z|[+-]\d{{2}}(?::?\d{{2}})?)?",
    "day_first": rf"{_DAY}(?:[T ,]+{_CLOCK})?",
    "time_first": rf"{_CLOCK}[ ,]+{_DAY}",
}
_SHAPES: Final = {shape: re.compile(pattern, re.ASCII | re.IGNORECASE) for shape, pattern in _PATTERNS.items()}
_DIGITS: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_EXCEL_BEGINS: Final = datetime(1899, 12, 30, tzinfo=VIETNAM)


def read_time(written: str, *shapes: Shape) -> datetime | None:
    """Return the moment that a text gives in one of these forms; ``None`` if the text has none of the forms.

    A text without a zone gives a time in Vietnam. A text without a time of day gives midnight.
    """
    text = " ".join(written.split())
    for shape in shapes:
        if found := _SHAPES[shape].fullmatch(text):
            try:
                return _moment({name: value for name, value in found.groupdict().items() if value is not None})
            except (ValueError, OverflowError):
                return None
    return None


def _moment(parts: dict[str, str]) -> datetime:
    if epoch := parts.get("epoch") or parts.get("bare_epoch"):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(epoch))
    if serial := parts.get("serial"):
        return _EXCEL_BEGINS + timedelta(seconds=round(float(serial.replace(",", ".")) * 86_400))
    if digits := parts.get("digits"):
        return datetime.strptime(digits, _DIGITS[len(digits)]).replace(tzinfo=VIETNAM)
    names = ("year", "month", "day", "hour", "minute", "second")
    moment = datetime(*(int(parts.get(name, 0)) for name in names), tzinfo=VIETNAM)  # type: ignore[arg-type, misc]
    zone = parts.get("zone")
    if zone is None:
        return moment
    away = timedelta(0) if zone in "Zz" else timedelta(hours=int(zone[1:3]), minutes=int(zone[3:].lstrip(":") or 0))
    return (moment.replace(tzinfo=UTC) + away) if zone[0] == "-" else (moment.replace(tzinfo=UTC) - away)


def read_day(written: str) -> date | None:
    """Return the day in Vietnam's time zone that a text begins with, such as ``15/9/2016 8:30 SA``."""
    shapes: tuple[Shape, ...] = ("year_first", "day_first", "serial", "digits")
    moment = read_time(written, *shapes) or read_time(re.split(r"[T ,]", written.strip(), maxsplit=1)[0], *shapes)
    return None if moment is None else moment.astimezone(VIETNAM).date()


# --- Periods ----------------------------------------------------------------------------------------------------

_DAYS: Final = (
    re.compile(_DAY, re.ASCII),
    re.compile(rf"{_YEAR}(?:[ T]00:00(?::00(?:\.0+)?)?)?", re.ASCII),
)
_MONTHS: Final = (
    re.compile(r"(?:tháng )?(?P<month>\d{1,2})(?:[/.-]| năm )(?P<year>\d{4})", re.ASCII),
    re.compile(r"(?P<year>\d{4})[-/](?P<month>\d{1,2})", re.ASCII),
)
_MADE_A_DAY: Final = re.compile(r"\d{4}-\d{2}-01[ t]00:00.*", re.ASCII)
"""Pattern of the text that Excel writes for a month. The first day of a month has the same text."""


@dataclass(frozen=True, slots=True)
class WrittenPeriod:
    """A day or a month that a cell of a table gives. The date need not exist: ``31/2/2026``."""

    year: int
    month: int
    day: int | None
    """The day of the month. ``None`` if the cell gives a month."""
    may_be_month: bool
    """``True`` if the text gives midnight of the first day of a month. A spreadsheet also writes a month without a day
    like this."""


def read_period(written: str) -> WrittenPeriod | None:
    """Read a written day or month, such as ``ngày 24 tháng 11 năm 2026``; ``None`` if the text is neither."""
    words = re.sub(r"\s+", " ", written).lower()
    for form in (*_DAYS, *_MONTHS):
        if found := form.fullmatch(words):
            parts = {name: int(value) for name, value in found.groupdict().items()}
            return WrittenPeriod(
                parts["year"], parts["month"], parts.get("day"), _MADE_A_DAY.fullmatch(words) is not None
            )
    return None
