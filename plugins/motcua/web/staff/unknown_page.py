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
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from motcua.domain.phones.reading import holds_phone
from motcua.domain.run_window import EVERYTHING
from motcua.reports import wording
from motcua.reports.lists import MOST_ROWS, Row
from motcua.settings import settings
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import page_connection
from motcua.store.notices.messages import count_held, held, releases
from motcua.store.oversight.page_requests import ask, open_requests
from motcua.web.forms import is_own_form, number_in, sent_choices
from motcua.web.lists.files import FileFormat, at_most, dossier_cell, list_file
from motcua.web.lists.filters import whose
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render
from motcua.web.staff.requests_page import waiting_requests
from motcua.web.visitors import Visitor, Visits

ROWS_A_PAGE = 50
LONGEST_REASON = 500
_RELEASES = 50
_HELD = (
    "dossier_code", "agency_code", "agency", "kind", "gateway", "sent_at", "reason", "gateway_code", "settlings",
    "useful_until", "message_id",
)  # fmt: skip
_RELEASED = ("released_at", "dossier_code", "agency_code", "agency", "kind", "released_by", "note", "state")

router = APIRouter()
Choices = Annotated[list[tuple[str, str]], Depends(sent_choices)]


@router.get("/messages/unknown")
def show_unknown(
    request: Request, visits: Visits, after: str = "", said: str = "", every: bool = False
) -> HTMLResponse:
    """Messages of unknown outcome that are still useful, the oldest first, and what was let go lately.

    ``every``: all of the page are chosen.
    """
    return _list(request, visits, after, "asked" if said == "asked" else "", every=every)


@router.get("/messages/unknown/file")
def download_unknown(request: Request, visits: Visits, format: FileFormat, of: Literal["held", "released"]) -> Response:
    """All messages that wait for a decision, the oldest first, or those that were let go, the latest first."""
    now = datetime.now(UTC)
    words, reason = wording.publication_words(), wording.message_reason
    rows: list[Row]
    columns: tuple[str, ...]
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
        names = {each.agency_code: each.name for each in agencies}
        if of == "held":
            columns = _HELD
            rows = [
                [
                    dossier_cell(request, each.agency_code, each.dossier_code),
                    each.agency_code,
                    names.get(each.agency_code),
                    words["kind"][each.kind],
                    each.gateway,
                    each.started_at,
                    reason(each.reason) if each.reason else None,
                    each.gateway_code,
                    each.settlings,
                    each.useful_until,
                    each.message_id,
                ]
                for each in held(connection, useful_at=now, limit=MOST_ROWS + 1, agencies=visits.listed)
            ]
        else:
            columns = _RELEASED
            rows = [
                [
                    each.released_at,
                    dossier_cell(request, each.agency_code, each.dossier_code),
                    each.agency_code,
                    names.get(each.agency_code),
                    words["kind"][each.kind],
                    each.released_by,
                    each.reason,
                    words["state"][each.state],
                ]
                for each in releases(connection, MOST_ROWS + 1, visits.listed)
            ]
    return list_file(format, of, [whose(None, agencies, visits)], columns, at_most(rows), as_of=now)


@router.post("/messages/unknown")
def release_unknown(request: Request, visits: Visits, sent: Choices) -> Response:
    """Asks whether the chosen messages are to go again, or asks for it; then shows the page again."""
    visits.must_be_operator()
    who = visits.signature
    fields = dict(sent)
    chosen = [number for name, value in sent if name == "held" and (number := number_in(value))]
    after, reason = fields.get("after", ""), fields.get("reason", "").strip()
    if not is_own_form(request, fields):
        return _list(request, visits, after, "old_form", status=HTTPStatus.FORBIDDEN)
    decision = fields.get("decision", "")
    if decision not in ("ask", "release"):
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    if why := _fault(chosen, reason):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _list(request, visits, after, "refused", why=why, reason=reason, chosen=chosen, status=status)
    if decision == "ask":
        return _ask(request, after, reason, chosen)
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


def _ask(request: Request, after: str, reason: str, chosen: Sequence[int]) -> HTMLResponse:
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
        after=after,
        names=names,
        words=wording.publication_words(),
        w=wording,
    )


def _list(
    request: Request,
    visits: Visitor,
    after: str,
    said: str,
    *,
    every: bool = False,
    why: str = "",
    reason: str = "",
    chosen: Sequence[int] = (),
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    now = datetime.now(UTC)
    place = number_in(after) or 0
    with page_connection() as connection:
        rows = held(connection, useful_at=now, limit=ROWS_A_PAGE + 1, agencies=visits.listed, after=place)
        at_gateways = count_held(connection, EVERYTHING, now, visits.listed)
        let_go = releases(connection, _RELEASES, visits.listed)
        names = {each.agency_code: each.short_name or each.name for each in list_agencies(connection)}
        asked = waiting_requests(connection, visits, "release")
        waiting = {number for each in open_requests(connection, "release") for number in each.wanted["messages"]}
    return render(
        request,
        "messages/unknown.html",
        status=status,
        rows=rows[:ROWS_A_PAGE],
        older=rows[ROWS_A_PAGE - 1].message_id if len(rows) > ROWS_A_PAGE else None,
        place=place,
        at_gateways=at_gateways,
        useful=sum(each.useful for each in at_gateways),
        too_late=sum(each.held - each.useful for each in at_gateways),
        releases=let_go,
        names=names,
        said=said,
        why=why,
        reason=reason,
        chosen={row.message_id for row in rows} if every else set(chosen),
        asked=asked,
        waiting=waiting,
        longest=LONGEST_REASON,
        words=wording.publication_words(),
        w=wording,
    )
