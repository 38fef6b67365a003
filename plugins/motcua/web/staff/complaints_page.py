"""The page *Phản ánh*: record complaints of citizens about messages, record an outcome, or withdraw a complaint.

The Department may change all complaints. An agency's administrators and clerks may change those of their own agencies.
Auditors see the list without forms and without texts that may name somebody. Each change needs the token of the page's
form and is stored with the person and the time. Nothing is ever deleted.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import CODE_LIMIT
from motcua.domain.phones.reading import holds_phone
from motcua.domain.reconciliation import ComplaintCount
from motcua.jobs.handed_in.complaints import (
    ComplaintRefused,
    Entry,
    record_complaint,
    take_back,
    titles,
    write_outcome,
)
from motcua.jobs.listing.lists import COMPLAINTS
from motcua.reports import wording
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.oversight.complaints import OUTCOMES, OutcomeSeen, count_complaints, repeated_complaints
from motcua.web.forms import PageRefused, kept_query, must_be_own_form, number_in, sent_form
from motcua.web.lists import Query, list_files, shown_list
from motcua.web.rendering import led_to, render
from motcua.web.visitors import Visitor, Visits

LONGEST_WORDS = 1_000
"""Largest number of characters in a note or a reason. As many letters with accents take more than half of the bytes
that a form may have."""
_COUNTED = timedelta(days=30)
_SAID = ("recorded", "alike", "repeated", "withdrawn", "outcome")
router = APIRouter()
Form = Annotated[dict[str, str], Depends(sent_form)]


@router.get("/complaints")
def show_complaints(
    request: Request, visits: Visits, agency: str = "", said: str = "", code: str = "", claim: str = ""
) -> HTMLResponse:
    """Show complaints, the newest first, page by page.

    If ``code`` names a dossier, the form for a complaint about this dossier is open and filled in, also with ``claim``.
    """
    about = {"decision": "record", "agency": agency, "dossier_code": code[:CODE_LIMIT], "claim": claim}
    tried = about if code and not holds_phone(code) else None
    return _page(request, visits, _asked(request), said if said in _SAID else "", tried=tried)


list_files(router, "/complaints/file", COMPLAINTS)


@router.post("/complaints")
def change_complaints(request: Request, visits: Visits, fields: Form) -> Response:
    """Record a complaint, record an outcome, or withdraw a complaint; then show the page again."""
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_record")
    who = visits.signature
    at = _asked(request)
    must_be_own_form(request, fields)
    now = datetime.now(UTC)
    try:
        with page_connection() as connection:
            said, number = _change(connection, who, visits.listed, fields, now)
    except ComplaintRefused as refused:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(request, visits, at, "refused", tried=fields, why=str(refused), status=status)
    about = dict.fromkeys(dict(kept_query(request)).keys() - dict(at).keys(), "")
    return led_to(request, "/complaints", {"said": said} | about, f"#phan-anh-{number}" if number else "")


def _asked(request: Request) -> list[tuple[str, str]]:
    """Return the query that selects the rows of the list.

    If the query has a code, ``claim`` belongs to the new complaint and is no filter.
    """
    is_about = "code" in dict(kept_query(request))
    return kept_query(request, "code", *(("claim",) if is_about else ()))


def _change(
    connection: Connection, user: str, agencies: list[str] | None, fields: dict[str, str], now: datetime
) -> tuple[str, int | None]:
    decision = fields.get("decision", "")
    if decision == "record":
        names = ("agency", "dossier_code", "received_at", "channel", "claim", "note")
        entry = Entry(*(fields.get(name, "") for name in names))
        # Browsers send a moment as 2026-11-25T08:30.
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
    write_outcome(connection, number, outcome, user, reason, now, agencies, _outcome_seen(fields))
    return "outcome", number


def _outcome_seen(fields: dict[str, str]) -> OutcomeSeen | None:
    """Return the outcome that the page of the form showed, or ``None`` if the form comes from a page that an earlier
    version of the software made."""
    written = fields.get("seen")
    try:
        return None if written is None else OutcomeSeen(datetime.fromisoformat(written) if written else None)
    except ValueError:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so") from None


def _page(
    request: Request,
    visits: Visitor,
    query: Query,
    said: str,
    *,
    tried: dict[str, str] | None = None,
    why: str = "",
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    now = datetime.now(UTC)
    with page_connection() as connection:
        shown = shown_list(connection, request, visits, COMPLAINTS, query=query)
        counts = [each for each in count_complaints(connection, now - _COUNTED, now) if visits.sees(each.agency_code)]
        repeated = len(repeated_complaints(connection, start=now - _COUNTED, end=now, agencies=visits.listed))
    return render(
        request,
        "complaints.html",
        status=HTTPStatus.BAD_REQUEST if shown.asked.faults and status == HTTPStatus.OK else status,
        shown=shown,
        names=shown.asked.names(short=True),
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


def _summed(counts: Sequence[ComplaintCount]) -> list[tuple[str, int, int]]:
    """Return (claim, complaints, open complaints) for each claim, the most complaints first."""
    found: dict[str, list[int]] = {}
    for each in counts:
        sums = found.setdefault(each.claim, [0, 0])
        sums[0] += each.complaints
        sums[1] += each.complaints if each.outcome == "open" else 0
    return sorted(((claim, *sums) for claim, sums in found.items()), key=lambda row: (-row[1], row[0]))  # type: ignore[misc]
