"""The tab *9029*: what citizens ask by text, by day, what they were told, and who keeps asking for unknown codes.

An inquiry about no dossier belongs to no agency: the Department and auditors alone see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.reading import mask_phones
from motcua.domain.routing import day_of
from motcua.reports import wording
from motcua.reports.lists import MOST_ROWS, Cell, Row
from motcua.store.agencies import Agency, list_agencies
from motcua.store.browsing.inquiries import (
    BrowsedInquiry,
    InquiriesAsked,
    InquiriesOfDay,
    find_inquiries,
    inquiries_by_day,
    read_inquiries,
    repeated_codes,
    repeated_phones,
)
from motcua.store.browsing.messages import PAGE, Place
from motcua.store.ledger.database import Connection, page_connection
from motcua.web.lists.files import FileFormat, dossier_cell, list_file, newest_first, pieces_of
from motcua.web.lists.filters import Faults, ListFilters, agency_of, period_told, whose
from motcua.web.lists.places import turning
from motcua.web.refusals import PageRefused
from motcua.web.rendering import render
from motcua.web.visitors import Visitor, Visits

USUAL_DAYS, MOST_DAYS = 7, 14
_REPEATED = 20
"""Rows of codes and of phones that come again."""
_COLUMNS = ("received_at", "asked_code", "outcome", "dossier_code", "agency_code", "agency", "reply_state")

router = APIRouter()


@dataclass(frozen=True, slots=True)
class InquiryFilters(ListFilters):
    """Filters as an address writes them; without days the last ``USUAL_DAYS``."""

    outcome: str = ""


def _filters(agency: str = "", outcome: str = "", since: str = "", until: str = "") -> InquiryFilters:
    return InquiryFilters(agency, since, until, outcome)


Filters = Annotated[InquiryFilters, Depends(_filters)]


@dataclass(frozen=True, slots=True)
class ShownInquiry:
    """An inquiry as a visitor sees it."""

    row: BrowsedInquiry
    agency: str
    asked_code: str
    phone: str


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day's inquiries."""

    day: date
    counts: dict[str, int]
    """By outcome."""

    @property
    def all(self) -> int:
        """Inquiries of the day."""
        return sum(self.counts.values())


@router.get("/messages/inquiries")
def show_inquiries(
    request: Request, visits: Visits, filters: Filters, before: str = "", trail: str = ""
) -> HTMLResponse:
    """Inquiries of some days: by day and outcome, repeated unknown codes, and a list, a page at a time."""
    now = datetime.now(UTC)
    rows: list[ShownInquiry] = []
    days: list[DayRow] = []
    codes, phones, older, looked_on = [], [], None, True
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
        asked, faults = _asked(filters, agencies, visits, now)
        place = faults.place(before)
        if not faults:
            days = _days(inquiries_by_day(connection, asked))
            if asked.agencies is None:
                since = max(asked.begins, asked.ends - timedelta(days=USUAL_DAYS))
                codes = repeated_codes(connection, since, asked.ends, _REPEATED)
                phones = repeated_phones(connection, since, asked.ends, _REPEATED)
            piece = find_inquiries(connection, asked, place, PAGE)
            older, looked_on = piece.older, piece.looked_on
            rows = _shown(read_inquiries(connection, piece.places), agencies, visits)
    newer_query, older_query = turning(filters.given, before, trail, older)
    return render(
        request,
        "messages/inquiries.html",
        status=HTTPStatus.BAD_REQUEST if faults else HTTPStatus.OK,
        faults=faults,
        filters=filters,
        file_query=filters.given,
        first=asked.begins,
        last=asked.ends - timedelta(days=1),
        usual_days=USUAL_DAYS,
        days=days,
        total={name: sum(each.counts.get(name, 0) for each in days) for name in wording.list_words()["outcome"]},
        codes=[(each, mask_phones(each.asked_code)) for each in codes],
        phones=[(each, visits.phone(each.msisdn), mask_phones(each.asked_code or "")) for each in phones],
        rows=rows,
        looked_to=older.at if older and not looked_on else None,
        newer=newer_query,
        older=older_query,
        turned=bool(before),
        agencies=agencies,
        outcomes=wording.list_words()["outcome"],
        words=wording.publication_words(),
        most_rows=MOST_ROWS,
        w=wording,
    )


@router.get("/messages/inquiries/file")
def download_inquiries(request: Request, visits: Visits, filters: Filters, format: FileFormat) -> Response:
    """The list as a file, the newest ``MOST_ROWS`` at most."""
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
    now = datetime.now(UTC)
    asked, faults = _asked(filters, agencies, visits, now)
    if faults:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")

    def look(connection: Connection, place: Place | None, most: int) -> tuple[list[Row], Place | None]:
        piece = find_inquiries(connection, asked, place, most)
        rows = _shown(read_inquiries(connection, piece.places), agencies, visits)
        return [_cells(request, visits, each) for each in rows], piece.older

    words = wording.list_words()
    first, last = (each.astimezone(VIETNAM).date() for each in (asked.begins, asked.ends - timedelta(days=1)))
    told = [
        whose(agency_of(filters.agency, agencies, visits), agencies, visits),
        period_told(first.isoformat(), last.isoformat()),
        words["outcome"].get(filters.outcome, ""),
    ]
    names = _COLUMNS if visits.is_auditor else (*_COLUMNS, "phone")
    about = [" · ".join(each for each in told if each), newest_first()]
    return list_file(format, "inquiries", about, names, pieces_of(look), as_of=now)


def _asked(
    filters: InquiryFilters, agencies: Sequence[Agency], visits: Visitor, now: datetime
) -> tuple[InquiriesAsked, Faults]:
    """What an address asks for of what the visitor sees, and what is wrong with it.

    Raises:
        PageRefused: it names an agency that there is not, or that he may not see.
    """
    faults = Faults()
    chosen = agency_of(filters.agency, agencies, visits)
    outcome: Any = faults.one_of(filters.outcome, wording.list_words()["outcome"], "outcome")
    begins, ends = faults.period(filters)
    if ends is None:
        ends = begins + timedelta(days=MOST_DAYS) if begins else _midnight(now) + timedelta(days=1)
    if begins is None:
        begins = ends - timedelta(days=USUAL_DAYS)
    if ends - begins > timedelta(days=MOST_DAYS):
        faults.too_long(MOST_DAYS)
    return InquiriesAsked(begins, ends, visits.listed if chosen is None else (chosen.agency_code,), outcome), faults


def _midnight(now: datetime) -> datetime:
    return datetime.combine(day_of(now), datetime.min.time(), VIETNAM)


def _days(counted: Sequence[InquiriesOfDay]) -> list[DayRow]:
    found: dict[date, dict[str, int]] = {}
    for each in counted:
        found.setdefault(each.day, {})[each.outcome] = each.inquiries
    return [DayRow(day, counts) for day, counts in found.items()]


def _shown(rows: Sequence[BrowsedInquiry], agencies: Sequence[Agency], visits: Visitor) -> list[ShownInquiry]:
    names = {each.agency_code: each.short_name or each.name for each in agencies}
    return [
        ShownInquiry(
            row, names.get(row.agency_code or "", ""), mask_phones(row.asked_code or ""), visits.phone(row.msisdn)
        )
        for row in rows
    ]


def _cells(request: Request, visits: Visitor, shown: ShownInquiry) -> list[Cell]:
    row = shown.row
    cells: list[Cell] = [
        row.received_at,
        shown.asked_code,
        wording.list_words()["outcome"][row.outcome],
        dossier_cell(request, row.agency_code, row.dossier_code),
        row.agency_code,
        shown.agency,
        wording.publication_words()["state"][row.reply_state],
    ]
    return cells if visits.is_auditor else [*cells, shown.phone]
