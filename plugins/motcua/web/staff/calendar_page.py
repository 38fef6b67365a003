"""The page *Lịch làm việc*: one year of a province or an agency."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from http import HTTPStatus
from typing import Literal, TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.numbering_plan import PROVINCES
from motcua.domain.working_days import WorkingCalendar
from motcua.jobs.calendars.files import FIRST_YEAR, LAST_YEAR
from motcua.jobs.calendars.keeping import HOME_PROVINCE
from motcua.store.agencies import list_agencies
from motcua.store.calendars import list_changes, list_years, load_calendar, load_province_calendar
from motcua.store.ledger.database import page_connection
from motcua.web.forms import number_in
from motcua.web.refusals import PageRefused
from motcua.web.rendering import render
from motcua.web.visitors import Visits

Kind: TypeAlias = Literal["holiday", "swap", "own", "worked", "morning", "weekend"]
"""What marks a day: a public holiday or a day in lieu of one, a day off in exchange for a weekend day, the agency's own
closing, a day worked although it is off elsewhere, or its morning, a weekend day. The template has looks and words."""

_SHOWN_CHANGES = 30

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Cell:
    """One day in a month's grid."""

    day: date
    kind: Kind | None
    """``None``: an ordinary working day."""
    reason: str | None
    is_today: bool


@dataclass(frozen=True, slots=True)
class Month:
    """One month: weeks from Monday; days of its neighbours are ``None``."""

    number: int
    working_days: int
    weeks: Sequence[Sequence[Cell | None]]


def kind_of(calendar: WorkingCalendar, day: date) -> Kind | None:
    """What marks a day, if anything does."""
    special, opening = calendar.special_day(day), calendar.opening(day)
    if opening == "morning":
        return "morning"
    if opening == "full":
        return "worked" if special is not None else None
    if special is None:
        return "weekend"
    if special.origin == "agency":
        return "own"
    return "swap" if special.is_swapped_off else "holiday"


def months_of(calendar: WorkingCalendar, year: int, today: date) -> list[Month]:
    """The grids of a year."""
    months = []
    for number in range(1, 13):
        weeks = [
            [_cell(calendar, day, today) if day.month == number else None for day in week]
            for week in Calendar().monthdatescalendar(year, number)
        ]
        days = [each.day for week in weeks for each in week if each is not None]
        months.append(Month(number, calendar.count_working_days(days[0], days[-1]), weeks))
    return months


def _cell(calendar: WorkingCalendar, day: date, today: date) -> Cell:
    special, kind = calendar.special_day(day), kind_of(calendar, day)
    if kind == "weekend":
        return Cell(day, kind, None, day == today)
    return Cell(day, kind, special.reason if special else calendar.why_open(day), day == today)


@router.get("/calendar")
def show_calendar(request: Request, visits: Visits, year: str = "", agency: str = "") -> HTMLResponse:
    """A year (this one by default) for an agency's code, or for a province's key (the first one by default)."""
    today = datetime.now(VIETNAM).date()
    shown = _year(year, today)
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
        provinces = sorted({each.province for each in agencies}) or [HOME_PROVINCE]
        chosen = next((each for each in agencies if agency in (each.agency_code, *each.aliases)), None)
        if chosen is None and agency not in ("", *provinces):
            visits.must_see(None)
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency")
        code = chosen.agency_code if chosen else None
        province = chosen.province if chosen else agency or provinces[0]
        first, last = date(shown, 1, 1), date(shown, 12, 31)
        if code:
            calendar = load_calendar(connection, code, first, last)
        else:
            calendar = load_province_calendar(connection, province, first, last)
        state = next((each for each in list_years(connection, [province]) if each.year == shown), None)
        changes = list_changes(connection, shown, province, code, _SHOWN_CHANGES)
    return render(
        request,
        "calendar.html",
        year=shown,
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
        asked=code or province,
        agency=chosen,
        province=province,
        province_names={key: each.name for key, each in PROVINCES.items()},
        choices={key: [each for each in agencies if each.province == key] for key in provinces},
        state=state,
        confirmed_on=state.confirmed_at.astimezone(VIETNAM).date() if state and state.confirmed_at else None,
        # Those in force today, or at the end of a year that is not this one.
        hours=calendar.hours_on(today if today.year == shown else last),
        months=months_of(calendar, shown, today),
        working_days=calendar.count_working_days(first, last),
        special_days=[(each, kind_of(calendar, each.day)) for each in calendar.special_days(shown)],
        changes=[replace(each, changed_at=each.changed_at.astimezone(VIETNAM)) for each in changes],
    )


def _year(written: str, today: date) -> int:
    if not written:
        return today.year
    year = number_in(written, LAST_YEAR)
    if year is None or year < FIRST_YEAR:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_year", first=FIRST_YEAR, last=LAST_YEAR)
    return year
