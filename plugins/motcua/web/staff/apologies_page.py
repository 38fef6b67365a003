"""The tab *Tin xin lỗi*: the apologies of the coming evening, and the dossiers that need a letter of apology.

The first list shows, while the delay can still be avoided, which citizens will get an apology and which cannot be
reached. No SMS replaces the letter (Mẫu 04). An agency's administrator sees the dossiers of their own agencies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.jobs.listing.lists import LETTERS, OWED_TONIGHT, owed_of
from motcua.jobs.notices.apologizing import OwedTonight, coming_evening, owed_tonight
from motcua.reports import wording
from motcua.store.ledger.database import page_connection
from motcua.web.lists import FileFormat, asked_of, file_of, list_page, shown_list
from motcua.web.rendering import render
from motcua.web.visitors import Visits

router = APIRouter()
list_page(router, "/apologies/letters", LETTERS)


@dataclass(frozen=True, slots=True)
class AgencyTonight:
    """The apologies of the coming evening at one agency."""

    agency_code: str
    told: int
    """Dossiers whose citizen gets an apology, unless they are finished before."""
    untold: int
    """Dossiers whose citizen cannot be reached, unless they are finished before."""


@router.get("/apologies")
def show_apologies(request: Request, visits: Visits) -> HTMLResponse:
    """Show what the coming evening would apologize for, by agency and dossier."""
    evening_at = coming_evening(datetime.now(UTC))
    with page_connection() as connection:
        asked = asked_of(connection, request, visits, OWED_TONIGHT)
        owed = [] if asked.faults else owed_tonight(connection, evening_at, visits.agencies)
        tonight = OWED_TONIGHT if asked.faults else owed_of(connection, owed, evening_at, asked)
        shown = shown_list(connection, request, visits, tonight, asked, file="/apologies/file")
    return render(
        request,
        "apologies.html",
        status=HTTPStatus.BAD_REQUEST if asked.faults else HTTPStatus.OK,
        evening_at=evening_at,
        is_today=evening_at.date() == datetime.now(VIETNAM).date(),
        agencies=_by_agency(owed),
        names=asked.names(short=False),
        told=sum(each.is_told for each in owed),
        untold=sum(not each.is_told for each in owed),
        shown=shown,
        w=wording,
    )


@router.get("/apologies/file")
def download_tonight(request: Request, visits: Visits, format: FileFormat) -> Response:
    """Return the apologies of the coming evening as a file."""
    evening_at = coming_evening(datetime.now(UTC))
    with page_connection() as connection:
        asked = asked_of(connection, request, visits, OWED_TONIGHT)
        owed = owed_tonight(connection, evening_at, visits.agencies)
        listing = owed_of(connection, owed, evening_at, asked)
    return file_of(request, visits, listing, format)


def _by_agency(owed: Sequence[OwedTonight]) -> list[AgencyTonight]:
    """Return the agencies, those with the most dossiers first."""
    told = Counter(each.agency_code for each in owed if each.is_told)
    untold = Counter(each.agency_code for each in owed if not each.is_told)
    found = [AgencyTonight(code, told[code], untold[code]) for code in {*told, *untold}]
    return sorted(found, key=lambda each: (-each.told - each.untold, each.agency_code))
