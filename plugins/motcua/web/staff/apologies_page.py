"""The tab *Tin xin lỗi*: the apologies of the coming evening, and the dossiers that need a letter of apology.

The first list shows, while the delay can still be avoided, which citizens will get an apology and which cannot be
reached. An SMS does not replace the letter of apology (Mẫu 04). An agency's administrator sees the dossiers of their
own agencies.
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
from motcua.domain.phones.reading import hide_phones
from motcua.jobs.listing.lists import LETTERS, OWED_TONIGHT, owed_of
from motcua.jobs.notices.apologizing import OwedTonight, coming_evening, owed_tonight
from motcua.reports import wording
from motcua.reports.explaining import due_moment
from motcua.reports.letters import Letter, letters_pdf
from motcua.reports.lists import MOST_ROWS
from motcua.store.ledger.database import page_connection
from motcua.store.notices.apologies import letter_facts, letters_needed
from motcua.web.forms import PageRefused, number_in
from motcua.web.lists import FileFormat, asked_of, file_of, list_page, shown_list
from motcua.web.rendering import HEADERS, render
from motcua.web.visitors import Visits

router = APIRouter()
list_page(router, "/apologies/letters", LETTERS, "apologies_letters.html")

LETTERS_A_FILE = 100
"""Largest number of letters in one file. The other letters are in further files."""


@dataclass(frozen=True, slots=True)
class AgencyTonight:
    """The apologies of the coming evening at one agency."""

    agency_code: str
    told: int
    """Number of dossiers whose citizen gets an apology, unless the dossier is finished before the evening."""
    untold: int
    """Number of unfinished dossiers whose citizen cannot be reached by an apology."""


@router.get("/apologies")
def show_apologies(request: Request, visits: Visits) -> HTMLResponse:
    """Show which dossiers would get an apology on the coming evening, by agency."""
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


@router.get("/apologies/letters/filled")
def download_letters(request: Request, visits: Visits, part: str = "1") -> Response:
    """Return filled-in letters for the dossiers of the list, the longest overdue first, a hundred in each file.

    Letters that an auditor downloads hold no names.
    """
    number = number_in(part) or 1
    today = datetime.now(VIETNAM).date()
    with page_connection() as connection:
        asked = asked_of(connection, request, visits, LETTERS)
        if asked.faults or number * LETTERS_A_FILE > MOST_ROWS:
            raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
        needed = letters_needed(connection, today, limit=number * LETTERS_A_FILE, **asked.values)
        needed = needed[(number - 1) * LETTERS_A_FILE :]
        facts = letter_facts(connection, needed)
    if not needed:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    names = asked.names(short=False)
    letters = [
        Letter(
            agency=names.get(each.agency_code, each.agency_code),
            applicant="" if visits.is_auditor else hide_phones(of.applicant_name or ""),
            code=each.dossier_code,
            procedure=hide_phones(each.procedure or ""),
            received=wording.day(of.received_at) if of.received_at else "",
            due=due_moment(of.due_at),
            year=today.year,
        )
        for each in needed
        if (of := facts.get((each.agency_code, each.dossier_code)))
    ]
    headers = HEADERS | {"Content-Disposition": f"attachment; filename=phieu-xin-loi-{today:%Y%m%d}-{number}.pdf"}
    return Response(letters_pdf(letters), media_type="application/pdf", headers=headers)


def _by_agency(owed: Sequence[OwedTonight]) -> list[AgencyTonight]:
    """Return the evening's apologies by agency, the agency with the most dossiers first."""
    told = Counter(each.agency_code for each in owed if each.is_told)
    untold = Counter(each.agency_code for each in owed if not each.is_told)
    found = [AgencyTonight(code, told[code], untold[code]) for code in {*told, *untold}]
    return sorted(found, key=lambda each: (-each.told - each.untold, each.agency_code))
