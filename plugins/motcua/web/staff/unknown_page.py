"""The tab *Chưa rõ kết quả*: messages whose outcome nobody knows, which people may let go again.

Only the Department does so: it chooses messages and says why, is shown what that does, and says so once more. Then it
is asked for, and a worker does it once the Department was mailed and nobody took it back. The words and the number stay
as they are; who let them go and why is kept. Everyone else sees the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from motcua.domain.phones.reading import holds_phone
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.listing.lists import HELD, RELEASED
from motcua.reports import wording
from motcua.settings import settings
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import page_connection
from motcua.store.notices.messages import count_held, held
from motcua.store.oversight.page_requests import ask, open_requests
from motcua.web.forms import is_own_form, number_in, sent_choices
from motcua.web.lists.page import FileFormat, Query, asked_of, list_file, query_of, shown_list
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render
from motcua.web.staff.requests_page import waiting_requests
from motcua.web.visitors import Visitor, Visits

LONGEST_REASON = 500

router = APIRouter()
Choices = Annotated[list[tuple[str, str]], Depends(sent_choices)]


@router.get("/messages/unknown")
def show_unknown(request: Request, visits: Visits, said: str = "", every: bool = False) -> HTMLResponse:
    """Messages of unknown outcome that are still useful, the oldest first, and what was let go lately.

    ``every``: all of the page are chosen.
    """
    query = query_of(request, "said", "every")
    return _list(request, visits, query, "asked" if said == "asked" else "", every=every)


@router.get("/messages/unknown/file")
def download_unknown(request: Request, visits: Visits, format: FileFormat, of: Literal["held", "released"]) -> Response:
    """All messages that wait for a decision, the oldest first, or those that were let go, the latest first."""
    listing = HELD if of == "held" else RELEASED
    with page_connection() as connection:
        asked = asked_of(connection, request, visits, listing)
    return list_file(request, visits, listing, asked, format)


@router.post("/messages/unknown")
def release_unknown(request: Request, visits: Visits, sent: Choices) -> Response:
    """Asks whether the chosen messages are to go again, or asks for it; then shows the page again."""
    visits.must_be_operator()
    who = visits.signature
    fields = dict(sent)
    chosen = [number for name, value in sent if name == "held" and (number := number_in(value))]
    at, reason = parse_qsl(fields.get("at", "")), fields.get("reason", "").strip()
    if not is_own_form(request, fields):
        return _list(request, visits, at, "old_form", status=HTTPStatus.FORBIDDEN)
    decision = fields.get("decision", "")
    if decision not in ("ask", "release"):
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    if why := _fault(chosen, reason):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _list(request, visits, at, "refused", why=why, reason=reason, chosen=chosen, status=status)
    if decision == "ask":
        return _ask(request, at, reason, chosen)
    with page_connection() as connection:
        ask(connection, "release", {"reason": reason, "messages": chosen}, who)
    address = f"{request.scope.get('root_path', '')}/messages/unknown?{urlencode({'said': 'asked'})}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER, HEADERS)


def _fault(chosen: Sequence[int], reason: str) -> str:
    """What is wrong with a form, in words; empty: nothing."""
    words = wording.list_words()["release"]
    if not chosen:
        return str(words["nothing_chosen"])
    if not reason:
        return str(words["no_reason"])
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        return str(words["long_reason"].format(most=LONGEST_REASON))
    if holds_phone(reason):
        return str(words["phone_in_reason"])
    return ""


def _ask(request: Request, at: Query, reason: str, chosen: Sequence[int]) -> HTMLResponse:
    now = datetime.now(UTC)
    with page_connection() as connection:
        rows = held(connection, useful_at=now, limit=len(chosen), message_ids=chosen)
        names = {each.agency_code: each.short_name or each.name for each in list_agencies(connection)}
    return render(
        request,
        "messages/unknown_ask.html",
        rows=rows,
        settled=len(set(chosen)) - len(rows),
        too_soon=sum(each.useful_until <= now + settings().requests_after for each in rows),
        reason=reason,
        at=urlencode(at),
        names=names,
        words=wording.publication_words(),
        w=wording,
    )


def _list(
    request: Request,
    visits: Visitor,
    query: Query,
    said: str,
    *,
    every: bool = False,
    why: str = "",
    reason: str = "",
    chosen: Sequence[int] = (),
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    now = datetime.now(UTC)
    with page_connection() as connection:
        shown = shown_list(connection, request, visits, HELD, query=query)
        let_go = shown_list(connection, request, visits, RELEASED, prefix="released_", query=query)
        at_gateways = count_held(connection, EVERYTHING, now, visits.listed)
        asked = waiting_requests(connection, visits, "release")
        waiting = {number for each in open_requests(connection, "release") for number in each.wanted["messages"]}
    return render(
        request,
        "messages/unknown.html",
        status=status,
        shown=shown,
        let_go=let_go,
        at=urlencode(query),
        at_gateways=at_gateways,
        useful=sum(each.useful for each in at_gateways),
        too_late=sum(each.held - each.useful for each in at_gateways),
        said=said,
        why=why,
        reason=reason,
        chosen={row.message_id for row in shown.part.rows} if every else set(chosen),
        asked=asked,
        waiting=waiting,
        longest=LONGEST_REASON,
        w=wording,
    )
