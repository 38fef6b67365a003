"""The page *Lịch làm việc*: the working calendar of a province or an agency for one year."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.numbering_plan import PROVINCES
from motcua.domain.phones.reading import holds_phone
from motcua.domain.working_days import WorkingCalendar
from motcua.jobs.calendars import FIRST_YEAR, HOME_PROVINCE, LAST_YEAR
from motcua.jobs.listing.reading import Listing
from motcua.reports import wording
from motcua.reports.wording import list_words
from motcua.store.agencies import Agency, find_agency, list_agencies
from motcua.store.calendars import list_changes, list_years, load_calendar, load_province_calendar
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.oversight.page_requests import ask
from motcua.web.forms import PageRefused, kept_query, must_be_own_form, number_in, sent_form
from motcua.web.lists import FileFormat, file_of, shown_list
from motcua.web.rendering import led_to, render
from motcua.web.staff.requests_page import waiting_requests
from motcua.web.visitors import Visitor, Visits

Kind: TypeAlias = Literal["holiday", "swap", "own", "worked", "morning", "weekend"]
"""What is special about a day. The template has a style and words for each kind.

The kinds, in this order: a public holiday or a day off that replaces it; a day off in exchange for a weekend day; the
agency's own closing; a working day by decision, such as a Saturday in exchange for another day; a day on which only the
morning is worked; a weekend day.
"""

LONGEST_AUTHORITY = 300
"""Largest number of characters in the name of the announcement with which a year was compared."""

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Cell:
    """One day in a month's grid."""

    day: date
    kind: Kind | None
    """``None`` for an ordinary working day."""
    reason: str | None
    is_today: bool


@dataclass(frozen=True, slots=True)
class Month:
    """One month, with weeks from Monday. Days of the neighbouring months are ``None``."""

    number: int
    working_days: int
    weeks: Sequence[Sequence[Cell | None]]


def kind_of(calendar: WorkingCalendar, day: date) -> Kind | None:
    """Return what is special about a day, or ``None`` for an ordinary working day."""
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
    """Return the grids of the months of a year."""
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
def show_calendar(request: Request, visits: Visits, year: str = "", agency: str = "", said: str = "") -> HTMLResponse:
    """Show a year of an agency, given by its code, or of a province, given by its key.

    The default is the present year of the first province.
    """
    return _page(request, visits, year, agency, "asked" if said == "asked" else "")


@router.post("/calendar")
def decide(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Request that a year's calendar is marked as compared with the government's announcement, or loses this mark.

    The page first shows the year's days off and asks the visitor to confirm the request.
    """
    visits.must_be_operator()
    who = visits.signature
    must_be_own_form(request, fields)
    decision, year, agency = fields.get("decision", ""), fields.get("year", ""), fields.get("agency", "")
    if decision not in ("confirm", "doubt"):
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    authority = " ".join(fields.get("authority", "").split()) if decision == "confirm" else None
    if authority is not None and (not authority or len(authority) > LONGEST_AUTHORITY or holds_phone(authority)):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(request, visits, year, agency, "no_authority", authority=authority, status=status)
    shown = _year(year, datetime.now(VIETNAM).date())
    with page_connection() as connection:
        _, _, _, province = _agency_and_province(connection, visits, agency)
        if fields.get("sure") == "yes":
            became = ask(connection, "confirm_year", {"province": province, "year": shown, "decision": authority}, who)
            if became == "unknown":
                raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_year")
            return led_to(request, "/calendar", {"year": str(shown), "agency": agency, "said": "asked"})
        days = _calendar(connection, None, province, shown).special_days(shown)
    return render(
        request,
        "calendar_ask.html",
        year=shown,
        agency=agency,
        authority=authority,
        province_name=_province_name(province),
        days=days,
        w=wording,
    )


def _page(
    request: Request,
    visits: Visitor,
    year: str,
    agency: str,
    said: str,
    *,
    authority: str = "",
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    today = datetime.now(VIETNAM).date()
    shown = _year(year, today)
    first, last = date(shown, 1, 1), date(shown, 12, 31)
    with page_connection() as connection:
        agencies, provinces, chosen, province = _agency_and_province(connection, visits, agency)
        code = chosen.agency_code if chosen else None
        calendar = _calendar(connection, chosen, province, shown)
        state = next((each for each in list_years(connection, [province]) if each.year == shown), None)
        asked_for = waiting_requests(connection, visits, "confirm_year", f"{province} {shown}")
        lists = {
            each.name: shown_list(
                connection,
                request,
                visits,
                each,
                prefix=f"{each.name}_",
                here="/calendar",
                query=[("year", str(shown)), ("agency", code or province), *kept_query(request, "year", "agency")],
                file="/calendar/file",
            )
            for each in _lists(calendar, shown, province, code)
        }
    return render(
        request,
        "calendar.html",
        status=status,
        said=said,
        asked_for=asked_for,
        decides=visits.is_operator,
        longest=LONGEST_AUTHORITY,
        authority=authority,
        year=shown,
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
        asked=code or province,
        agency=chosen,
        province_name=_province_name(province),
        choices=[(key, _province_name(key), [each for each in agencies if each.province == key]) for key in provinces],
        kinds=list_words()["calendar"]["kind"],
        weekdays=list_words()["calendar"]["weekday"],
        state=state,
        confirmed_on=state.confirmed_at.astimezone(VIETNAM).date() if state and state.confirmed_at else None,
        # For the present year, show the office hours in force today; for any other year, the hours in force at its end.
        hours=calendar.hours_on(today if today.year == shown else last),
        months=months_of(calendar, shown, today),
        working_days=calendar.count_working_days(first, last),
        lists=lists,
        w=wording,
    )


def _lists(calendar: WorkingCalendar, year: int, province: str, agency_code: str | None) -> list[Listing]:
    """Return the days of a year that differ from the usual week, and the changes that people made to them."""
    words = list_words()["calendar"]
    return [
        Listing("special_days").of(
            calendar.special_days(year),
            weekday=lambda row, seen: words["weekday"][row.day.weekday()],
            day_kind=lambda row, seen: words["kind"].get(kind_of(calendar, row.day), words["usual"]),
        ),
        Listing(
            "calendar_changes",
            lambda connection, asked, most, skipped: list_changes(
                connection, year, province, agency_code, skipped + most
            )[skipped:],
            {
                "concerns": lambda row, seen: words["concerns"][row.concerns].format(
                    day=wording.day(row.day) if row.day else year
                ),
                "before": lambda row, seen: _kept_in_words(row.before),
                "after": lambda row, seen: _kept_in_words(row.after),
            },
        ),
    ]


def _kept_in_words(row: Mapping[str, Any] | None) -> str:
    """Return a row of the calendar's history in words."""
    said = list_words()["calendar"]["kept"]
    if row is None:
        return str(said["nothing"])
    if "reason" in row:
        return str(said[row["opening"]].format_map(row))
    if "opens" in row:
        saturdays = said["saturday_mornings"] if row["saturday_mornings"] else ""
        return str(said["hours"].format_map({**row, "saturdays": saturdays}))
    return str(said["confirmed" if row["decision"] else "unconfirmed"].format_map(row))


@router.get("/calendar/file")
def download_calendar(
    request: Request,
    visits: Visits,
    format: FileFormat,
    year: str = "",
    agency: str = "",
    of: Literal["calendar", "special_days", "calendar_changes"] = "calendar",
) -> Response:
    """Return every day of the year with its opening and the reason, or one of the page's lists, as a file."""
    shown = _year(year, datetime.now(VIETNAM).date())
    with page_connection() as connection:
        _, _, chosen, province = _agency_and_province(connection, visits, agency)
        calendar = _calendar(connection, chosen, province, shown)
    words = list_words()["calendar"]
    about = [words["year"].format(year=shown, of=chosen.name if chosen else _province_name(province))]
    lists = {each.name: each for each in _lists(calendar, shown, province, chosen.agency_code if chosen else None)}
    if of in lists:
        return file_of(request, visits, lists[of], format, about=about)
    rows = []
    day = date(shown, 1, 1)
    while day.year == shown:
        special, kind = calendar.special_day(day), kind_of(calendar, day)
        reason = None if kind in (None, "weekend") else special.reason if special else calendar.why_open(day)
        rows.append(
            {
                "day": day,
                "weekday": words["weekday"][day.weekday()],
                "opening": words["opening"][calendar.opening(day)],
                "day_kind": words["kind"][kind] if kind else words["usual"],
                "reason": reason,
                "authority": special.authority if special else None,
            }
        )
        day += timedelta(days=1)
    return file_of(request, visits, Listing("calendar").of(rows), format, about=about)


def _agency_and_province(
    connection: Connection, visits: Visitor, agency: str
) -> tuple[list[Agency], list[str], Agency | None, str]:
    """Return the agencies that the visitor sees, their provinces, the chosen agency and the chosen province.

    The agency is ``None`` if the address asks for a province's calendar.

    Raises:
        PageRefused: there is no such agency or province, or the visitor may not see it.
    """
    agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
    provinces = sorted({each.province for each in agencies}) or [HOME_PROVINCE]
    chosen = find_agency(agencies, agency)
    if chosen is None and agency not in ("", *provinces):
        visits.must_see(None)
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency")
    return agencies, provinces, chosen, chosen.province if chosen else agency or provinces[0]


def _province_name(key: str) -> str:
    if key not in PROVINCES:
        return key
    return str(list_words()["calendar"]["province"].format(name=PROVINCES[key].name))


def _calendar(connection: Connection, chosen: Agency | None, province: str, year: int) -> WorkingCalendar:
    first, last = date(year, 1, 1), date(year, 12, 31)
    if chosen is not None:
        return load_calendar(connection, chosen.agency_code, first, last)
    return load_province_calendar(connection, province, first, last)


def _year(written: str, today: date) -> int:
    if not written:
        return today.year
    year = number_in(written, LAST_YEAR)
    if year is None or year < FIRST_YEAR:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_year", first=FIRST_YEAR, last=LAST_YEAR)
    return year
