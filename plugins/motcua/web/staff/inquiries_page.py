"""The tab *9029*: what citizens ask by text, by day, what they were told, and who keeps asking for unknown codes.

An inquiry about no dossier belongs to no agency: the Department and auditors alone see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.phones.reading import mask_phones
from motcua.jobs.listing.lists import INQUIRIES, USUAL_DAYS, asked_inquiries, inquiries_asked
from motcua.reports import wording
from motcua.store.browsing import InquiriesOfDay, inquiries_by_day, repeated_codes, repeated_phones
from motcua.store.ledger.database import page_connection
from motcua.web.lists.page import FileFormat, asked_of, list_file, shown_list
from motcua.web.rendering import render
from motcua.web.visitors import Visits

_REPEATED = 20
"""Rows of codes and of phones that come again."""

router = APIRouter()


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
def show_inquiries(request: Request, visits: Visits) -> HTMLResponse:
    """Inquiries of some days: by day and outcome, repeated unknown codes, and a list, a page at a time."""
    days: list[DayRow] = []
    codes, phones = [], []
    with page_connection() as connection:
        asked = asked_inquiries(asked_of(connection, request, visits, INQUIRIES))
        wanted = inquiries_asked(asked)
        shown = shown_list(connection, request, visits, INQUIRIES, asked)
        if not asked.faults:
            days = _days(inquiries_by_day(connection, wanted))
            if wanted.agencies is None:
                since = max(wanted.begins, wanted.ends - timedelta(days=USUAL_DAYS))
                codes = repeated_codes(connection, since, wanted.ends, _REPEATED)
                phones = repeated_phones(connection, since, wanted.ends, _REPEATED)
    outcomes = wording.list_words()["outcome"]
    return render(
        request,
        "messages/inquiries.html",
        status=HTTPStatus.BAD_REQUEST if asked.faults else HTTPStatus.OK,
        shown=shown,
        chosen=asked.given,
        first=wanted.begins,
        last=wanted.ends - timedelta(days=1),
        usual_days=USUAL_DAYS,
        days=days,
        total={name: sum(each.counts.get(name, 0) for each in days) for name in outcomes},
        codes=[(each, mask_phones(each.asked_code)) for each in codes],
        phones=[(each, visits.phone(each.msisdn), mask_phones(each.asked_code or "")) for each in phones],
        outcomes=outcomes,
        w=wording,
    )


@router.get("/messages/inquiries/file")
def download_inquiries(request: Request, visits: Visits, format: FileFormat) -> Response:
    """The list as a file, the newest ``MOST_ROWS`` at most."""
    with page_connection() as connection:
        asked = asked_inquiries(asked_of(connection, request, visits, INQUIRIES))
    return list_file(request, visits, INQUIRIES, asked, format)


def _days(counted: Sequence[InquiriesOfDay]) -> list[DayRow]:
    found: dict[date, dict[str, int]] = {}
    for each in counted:
        found.setdefault(each.day, {})[each.outcome] = each.inquiries
    return [DayRow(day, counts) for day, counts in found.items()]
