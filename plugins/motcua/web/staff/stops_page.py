"""The tab *Tạm dừng gửi*: the stops (orders not to send messages), and forms with which a stop is ordered or ended.

Only the Department may use the forms. Before an order to stop or to end a stop takes effect, a page shows which
messages the order covers, and the visitor confirms the order. The order does not wait as other requests do, since wrong
texts would be sent meanwhile. To reverse a stop, end the stop. To reverse the end of a stop, order a new stop.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import Kind
from motcua.jobs.listing.lists import STOPS
from motcua.jobs.notices.stopping import LONGEST, MOST_LETTERS, StopRefused, read_stop
from motcua.jobs.watching.standing import stop_rows
from motcua.reports import wording
from motcua.reports.checks import stopped_in_words
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import page_connection
from motcua.store.notices.stops import find_stop, stops_in_force, would_wait
from motcua.store.oversight.page_requests import ask
from motcua.web.forms import PageRefused, must_be_own_form, number_in, sent_form
from motcua.web.lists import list_files, shown_list
from motcua.web.rendering import led_to, render
from motcua.web.visitors import Visitor, Visits

_SAID = ("stopped", "gone")
_KINDS: tuple[Kind, ...] = get_args(Kind)

router = APIRouter()
list_files(router, "/stops/file", STOPS, of_all=True)


@router.get("/stops")
def show_stops(request: Request, visits: Visits, said: str = "") -> HTMLResponse:
    """Show stops, the newest first. Show for each stop in force how many messages it holds back."""
    visits.must_see_all()
    return _page(request, visits, said if said in _SAID else "")


@router.post("/stops")
def decide(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Show which messages a new stop or the end of a stop covers. Once the visitor confirms the order, store the
    order."""
    visits.must_be_operator()
    who = visits.signature
    must_be_own_form(request, fields)
    if fields.get("decision") == "go":
        return _end_stop(request, visits, fields, who)
    if fields.get("decision") == "stop":
        return _order_stop(request, visits, fields, who)
    raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")


def _order_stop(request: Request, visits: Visitor, fields: dict[str, str], who: str) -> Response:
    kind = next((each for each in _KINDS if each == fields.get("kind")), None)
    if kind is None and fields.get("kind"):
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    try:
        with page_connection() as connection:
            stop = read_stop(
                connection,
                kind=kind,
                agency=fields.get("agency") or None,
                until=_moment(fields.get("until", "")),
                reason=fields.get("reason", ""),
                now=datetime.now(UTC),
            )
            if fields.get("sure") == "yes":
                wanted = {"kind": kind, "agency": stop.agency_code, "until": stop.until.isoformat()}
                ask(connection, "stop", wanted | {"reason": stop.reason}, who)
                return led_to(request, "/stops", {"said": "stopped"})
            covered = would_wait(connection, kind=kind, agency_code=stop.agency_code)
            names = {each.agency_code: each.name for each in list_agencies(connection)}
    except StopRefused as refused:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(request, visits, refused.refusal, tried=fields, status=status)
    what = stopped_in_words(kind, names[stop.agency_code] if stop.agency_code else None)
    messages = sum(covered.values())
    return render(request, "stops/stops_ask.html", stop=stop, what=what, messages=messages, w=wording)


def _end_stop(request: Request, visits: Visitor, fields: dict[str, str], who: str) -> Response:
    number, now = number_in(fields.get("no", "")) or 0, datetime.now(UTC)
    with page_connection() as connection:
        stop = find_stop(connection, number)
        if stop is not None and stop.is_in_force(now):
            if fields.get("sure") != "yes":
                (row,) = stop_rows(connection, visits, now, [stop])
                names = {each.agency_code: each.name for each in list_agencies(connection)}
                others = len(stops_in_force(connection, now)) - 1
                what = stopped_in_words(stop.kind, names[stop.agency_code] if stop.agency_code else None)
                return render(request, "stops/stops_go.html", row=row, what=what, others=others, w=wording)
            if ask(connection, "go", {"stop": number}, who) == "done":
                return led_to(request, "/stops", {"said": "gone"})
    return _page(request, visits, "not_in_force", status=HTTPStatus.CONFLICT)


def _moment(written: str) -> datetime:
    """Return the moment that a form sent, in Vietnam's time zone.

    For a text that is no moment, return a time long past, which is refused as the end of a stop.
    """
    try:
        return datetime.strptime(written, "%Y-%m-%dT%H:%M").replace(tzinfo=VIETNAM)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _page(
    request: Request, visits: Visitor, said: str, *, tried: dict[str, str] | None = None, status: int = HTTPStatus.OK
) -> HTMLResponse:
    now = datetime.now(VIETNAM)
    with page_connection() as connection:
        shown = shown_list(connection, request, visits, STOPS, here="/stops", file="/stops/file")
        agencies = list_agencies(connection)
    return render(
        request,
        "stops/stops.html",
        status=status,
        shown=shown,
        agencies=agencies,
        kinds=_KINDS,
        kind_words=wording.publication_words()["kind"],
        decides=visits.is_operator,
        said=said,
        tried=tried or {},
        now=now,
        first=f"{now:%Y-%m-%dT%H:%M}",
        last=f"{now + LONGEST:%Y-%m-%dT%H:%M}",
        longest=MOST_LETTERS,
        days=LONGEST.days,
        local=VIETNAM,
        w=wording,
    )
