"""The tab *Yêu cầu đang chờ*: requests from staff pages, those that wait and those that ended, with their outcomes.

The DAG ``settle_messages`` carries out most requests some time after it mailed them to the Department. Stops,
confirmations of calendar years and verifications of publications need no mail. A request can be withdrawn here until it
is carried out. An agency's administrator sees and withdraws requests about their own agencies only.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.people import PageRequest, RequestKind
from motcua.jobs.listing.reading import Listing
from motcua.reports import wording
from motcua.reports.agency_settings import duration_in_words
from motcua.reports.lists import MOST_ROWS
from motcua.reports.requests import Names, RequestInWords, request_in_words
from motcua.settings import settings
from motcua.store.agencies import duration_text, list_agencies
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.notices.templates import national_statuses
from motcua.store.oversight.page_requests import ended_requests, open_request, open_requests, withdraw
from motcua.web.forms import PageRefused, must_be_own_form, number_in, sent_form
from motcua.web.lists import FileFormat, file_of, shown_list
from motcua.web.rendering import led_to, render
from motcua.web.visitors import Visitor, Visits, may_see_source

_SAID: Final = ("withdrawn", "too_late")

router = APIRouter()


@router.get("/requests")
def show_requests(request: Request, visits: Visits, said: str = "") -> HTMLResponse:
    """Show the requests that wait, the oldest first, and those that ended, the newest first."""
    return _page(request, visits, said if said in _SAID else "")


@router.get("/requests/file")
def download_requests(request: Request, visits: Visits, format: FileFormat) -> Response:
    """Return a file of the requests that ended, the newest first."""
    with page_connection() as connection:
        ended = _ended(connection, visits)
    return file_of(request, visits, ended, format)


def _ended(connection: Connection, visits: Visitor) -> Listing:
    rows = _in_words(connection, visits, ended_requests(connection, MOST_ROWS + 1))
    return Listing("requests").of(rows, details=lambda row, seen: " ".join(row.lines) or None)


@router.post("/requests")
def take_back(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Withdraw a request that waits."""
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_set")
    who = visits.signature
    must_be_own_form(request, fields)
    number = number_in(fields.get("no", "")) or 0
    with page_connection() as connection:
        found = open_request(connection, number)
        if found is not None and not _may_see(connection, visits, found):
            raise PageRefused(HTTPStatus.FORBIDDEN, "department_only")
        done = found is not None and withdraw(connection, number, who)
    return led_to(request, "/requests", {"said": "withdrawn" if done else "too_late"})


def waiting_requests(
    connection: Connection, visits: Visitor, kind: RequestKind, subject: str | None = None
) -> list[RequestInWords]:
    """Return the waiting requests of a kind and subject in words, for the page on which they were made."""
    return _in_words(connection, visits, open_requests(connection, kind, subject))


def _page(request: Request, visits: Visitor, said: str, *, status: int = HTTPStatus.OK) -> HTMLResponse:
    with page_connection() as connection:
        waiting = _in_words(connection, visits, open_requests(connection))
        ended = shown_list(
            connection, request, visits, _ended(connection, visits), file="/requests/file", here="/requests"
        )
    return render(
        request,
        "requests.html",
        status=status,
        open=waiting,
        ended=ended,
        may_withdraw=not visits.is_auditor,
        after=duration_in_words(duration_text(settings().requests_after)),
        said=said,
        w=wording,
    )


def _in_words(connection: Connection, visits: Visitor, requests: Sequence[PageRequest]) -> list[RequestInWords]:
    agencies = {each.agency_code: each for each in list_agencies(connection)}
    names = Names({code: each.name for code, each in agencies.items()}, national_statuses())
    found = []
    for each in requests:
        if _may_see(connection, visits, each):
            agency = agencies.get(each.wanted.get("agency", ""))
            shown = None if visits.is_auditor or agency is None else agency.report_recipients
            found.append(request_in_words(each, each.told, names, addresses_before=shown))
    return found


def _may_see(connection: Connection, visits: Visitor, request: PageRequest) -> bool:
    """Return whether the visitor sees all agencies, or the request is about the visitor's agencies only."""
    if visits.agencies is None:
        return True
    if request.kind == "recipients":
        return visits.sees(request.wanted["agency"])
    return request.kind == "export_form" and may_see_source(connection, visits, request.wanted["source"])
