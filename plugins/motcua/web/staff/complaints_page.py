"""The page *Phản ánh*: what citizens report about messages; recording one, its outcome, taking one back.

An agency's administrators, for their own agencies, and the Department make changes; auditors see the list without
forms, and without words that may name somebody. Each change needs the token of the page's form, and is kept with who
and when. Nothing is ever deleted.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import CODE_LIMIT
from motcua.domain.phones.reading import holds_phone
from motcua.jobs.handed_in.complaints import (
    ComplaintRefused,
    Entry,
    record_complaint,
    take_back,
    titles,
    write_outcome,
)
from motcua.reports import wording
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.oversight.complaints import (
    CLAIMS,
    OUTCOMES,
    ComplaintsAsked,
    ComplaintTally,
    count_complaints,
    list_complaints,
    repeated_complaints,
)
from motcua.web.forms import is_own_form, number_in, page_in, sent_form
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render
from motcua.web.visitors import Visitor, Visits

ROWS_A_PAGE = 50
LONGEST_WORDS = 1_000
"""Of a note or a reason typed on the page: with accents that is more than half of what a form may hold."""
_COUNTED = timedelta(days=30)
_SAID = ("recorded", "alike", "repeated", "withdrawn", "outcome")

router = APIRouter()
Form = Annotated[dict[str, str], Depends(sent_form)]


@router.get("/complaints")
def show_complaints(
    request: Request,
    visits: Visits,
    agency: str = "",
    claim: str = "",
    state: str = "",
    since: str = "",
    until: str = "",
    page: str = "",
    said: str = "",
    code: str = "",
) -> HTMLResponse:
    """Complaints, the newest first, a page at a time; ``state``: an outcome, ``unlinked`` or ``repeated``; ``code``: of
    the dossier that one is to be recorded about, whose form is open and filled in."""
    filters = {"agency": agency, "claim": claim, "state": state, "since": since, "until": until, "page": page}
    about = {"decision": "record", "agency": agency, "dossier_code": code[:CODE_LIMIT]}
    tried = about if code and not holds_phone(code) else None
    return _page(request, visits, filters, said if said in _SAID else "", tried=tried)


@router.post("/complaints")
def change_complaints(request: Request, visits: Visits, fields: Form) -> Response:
    """Records a complaint, writes an outcome down, or takes a complaint back; then shows the page again."""
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_record")
    filters = {name: fields.get(f"at_{name}", "") for name in ("agency", "claim", "state", "since", "until", "page")}
    if not is_own_form(request, fields):
        return _page(request, visits, filters, "old_form", status=HTTPStatus.FORBIDDEN)
    now = datetime.now(UTC)
    try:
        with page_connection() as connection:
            said, number = _change(connection, visits, fields, now)
    except ComplaintRefused as refused:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(request, visits, filters, "refused", tried=fields, why=str(refused), status=status)
    query = {name: value for name, value in (filters | {"said": said}).items() if value}
    place = f"#phan-anh-{number}" if number else ""
    address = f"{request.scope.get('root_path', '')}/complaints?{urlencode(query)}{place}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER, HEADERS)


def _change(connection: Connection, visits: Visitor, fields: dict[str, str], now: datetime) -> tuple[str, int | None]:
    user, agencies = visits.name, visits.listed
    decision = fields.get("decision", "")
    if decision == "record":
        names = ("agency", "dossier_code", "received_at", "channel", "claim", "note")
        entry = Entry(*(fields.get(name, "") for name in names))
        # As a browser writes a moment: 2026-11-25T08:30.
        entry = replace(entry, received_at=entry.received_at.replace("T", " "))
        number = record_complaint(connection, entry, fields.get("form", ""), user, now, agencies)
        if number is None:
            return "repeated", None
        return ("alike" if repeated_complaints(connection, [number]) else "recorded"), number
    number = number_in(fields.get("complaint", "")) or 0
    reason = fields.get("reason", "")
    if decision == "withdraw":
        take_back(connection, number, user, reason, now, agencies)
        return "withdrawn", number
    outcome = fields.get("outcome", "")
    if decision != "outcome" or outcome not in OUTCOMES:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    write_outcome(connection, number, outcome, user, reason, now, agencies)
    return "outcome", number


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _begins(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, datetime.min.time(), VIETNAM)


def _asked(visits: Visitor, filters: dict[str, str], agency_code: str | None, place: int) -> ComplaintsAsked:
    claim, state = filters["claim"], filters["state"]
    until = _day(filters["until"])
    last = None if until is None or until == date.max else until + timedelta(days=1)
    return ComplaintsAsked(
        agency_code=agency_code,
        claim=claim if claim in CLAIMS else None,
        outcome=state if state in OUTCOMES else None,
        unlinked=state == "unlinked",
        repeated=state == "repeated",
        begins=_begins(_day(filters["since"])),
        ends=_begins(last),
        most=ROWS_A_PAGE + 1,
        skipped=(place - 1) * ROWS_A_PAGE,
        agencies=visits.listed,
    )


def _page(
    request: Request,
    visits: Visitor,
    filters: dict[str, str],
    said: str,
    *,
    tried: dict[str, str] | None = None,
    why: str = "",
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    place = page_in(filters["page"])
    now = datetime.now(UTC)
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
        chosen = next((each for each in agencies if filters["agency"] in (each.agency_code, *each.aliases)), None)
        if chosen is None and filters["agency"]:
            visits.must_see(None)
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency")
        rows = list_complaints(
            connection, _asked(visits, filters, chosen.agency_code if chosen else None, place), visits.phone
        )
        counts = [each for each in count_complaints(connection, now - _COUNTED, now) if visits.sees(each.agency_code)]
        repeated = len(repeated_complaints(connection, start=now - _COUNTED, end=now, agencies=visits.listed))
    used: dict[str, str] = {name: value for name, value in filters.items() if value and name != "page"}
    return render(
        request,
        "complaints.html",
        status=status,
        rows=rows[:ROWS_A_PAGE],
        more=len(rows) > ROWS_A_PAGE,
        place=place,
        filters=filters,
        query=urlencode(used),
        filtered=bool(used),
        agencies=agencies,
        names={each.agency_code: each.short_name or each.name for each in agencies},
        counts=_summed(counts),
        repeated=repeated,
        counted_days=_COUNTED.days,
        titles=titles(),
        said=said,
        records=not visits.is_auditor,
        why=why,
        tried=tried or {},
        form=secrets.token_hex(16),
        latest=now.astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M"),
        longest=LONGEST_WORDS,
        states=wording.publication_words()["state"],
        w=wording,
    )


def _summed(counts: Sequence[ComplaintTally]) -> list[tuple[str, int, int]]:
    """(claim, complaints, of which still open), the most first."""
    found: dict[str, list[int]] = {}
    for each in counts:
        sums = found.setdefault(each.claim, [0, 0])
        sums[0] += each.complaints
        sums[1] += each.complaints if each.outcome == "open" else 0
    return sorted(((claim, *sums) for claim, sums in found.items()), key=lambda row: (-row[1], row[0]))  # type: ignore[misc]
