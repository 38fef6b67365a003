"""The page *Phản ánh*: what citizens report about messages; recording one, its outcome, taking one back.

An agency's administrators, for their own agencies, and the Department make changes; auditors see the list without
forms, and without words that may name somebody. Each change needs the token of the page's form, and is kept with who
and when. Nothing is ever deleted.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
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
from motcua.reports.lists import MOST_ROWS, Cell
from motcua.store.agencies import Agency, list_agencies
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.oversight.complaints import (
    CLAIMS,
    OUTCOMES,
    Complaint,
    ComplaintsAsked,
    ComplaintTally,
    count_complaints,
    list_complaints,
    repeated_complaints,
)
from motcua.web.forms import is_own_form, number_in, page_in, sent_form
from motcua.web.lists.files import FileFormat, at_most, dossier_cell, list_file, newest_first
from motcua.web.lists.filters import Faults, ListFilters, agency_of, period_told, whose
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render
from motcua.web.visitors import Visitor, Visits

ROWS_A_PAGE = 50
LONGEST_WORDS = 1_000
"""Of a note or a reason typed on the page: with accents that is more than half of what a form may hold."""
_COUNTED = timedelta(days=30)
_SAID = ("recorded", "alike", "repeated", "withdrawn", "outcome")
_COLUMNS = (
    "complaint_id", "received_at", "agency_code", "agency", "dossier_code", "channel", "claim", "check", "message",
    "recorded_by", "written_at", "imported_from", "outcome_by", "outcome_at", "withdrawn_by", "withdrawn_at",
)  # fmt: skip
_TYPED = ("note", "outcome_reason", "withdraw_reason")
"""What people wrote: it may name somebody, and auditors do not see it."""

router = APIRouter()
Form = Annotated[dict[str, str], Depends(sent_form)]


@dataclass(frozen=True, slots=True)
class ComplaintFilters(ListFilters):
    """Filters as an address writes them; what is empty narrows nothing down."""

    claim: str = ""
    state: str = ""
    """An outcome, ``unlinked`` or ``repeated``."""


def _filters(agency: str = "", claim: str = "", state: str = "", since: str = "", until: str = "") -> ComplaintFilters:
    return ComplaintFilters(agency, since, until, claim, state)


Filters = Annotated[ComplaintFilters, Depends(_filters)]


@router.get("/complaints")
def show_complaints(
    request: Request, visits: Visits, filters: Filters, page: str = "", said: str = "", code: str = ""
) -> HTMLResponse:
    """Complaints, the newest first, a page at a time; ``code``: of the dossier that one is to be recorded about, whose
    form is open and filled in."""
    about = {"decision": "record", "agency": filters.agency, "dossier_code": code[:CODE_LIMIT]}
    tried = about if code and not holds_phone(code) else None
    return _page(request, visits, filters, page_in(page), said if said in _SAID else "", tried=tried)


@router.get("/complaints/file")
def download_complaints(request: Request, visits: Visits, filters: Filters, format: FileFormat) -> Response:
    """The same complaints as a file, the newest ``MOST_ROWS`` at most."""
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
        asked, faults = _asked(visits, filters, agencies)
        if faults:
            raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
        rows = list_complaints(connection, replace(asked, most=MOST_ROWS + 1), visits.phone)
    names = {each.agency_code: each.name for each in agencies}
    told = [
        whose(agency_of(filters.agency, agencies, visits), agencies, visits),
        titles()["claim"].get(filters.claim, ""),
        _states().get(filters.state, ""),
        period_told(filters.since, filters.until),
    ]
    about = [" · ".join(each for each in told if each), newest_first()]
    columns = _COLUMNS if visits.is_auditor else (*_COLUMNS, *_TYPED)
    cells = ([*_cells(request, each, names), *([] if visits.is_auditor else _typed(each))] for each in rows)
    return list_file(format, "complaints", about, columns, at_most(cells), as_of=datetime.now(UTC))


def _cells(request: Request, row: Complaint, names: dict[str, str]) -> list[Cell]:
    said, words = titles(), wording.publication_words()
    check = said["outcome"][row.outcome]
    if row.repeats:
        check = wording.list_words()["complaint"]["repeats"].format(number=row.repeats)
    if row.withdrawn_at:
        check = wording.list_words()["complaint"]["withdrawn"]
    number, kind, state = row.message_id, row.message_kind, row.message_state
    if number is None:
        number, kind, state = row.intended_id, row.intended_kind, row.intended_state
    message = f"{number}: {words['kind'][kind]}, {words['state'][state]}" if number is not None else None
    code = row.dossier_code
    return [
        row.complaint_id,
        row.received_at,
        row.agency_code,
        names.get(row.agency_code),
        dossier_cell(request, row.agency_code, code) if row.dossier_id is not None else code,
        said["channel"][row.channel],
        said["claim"][row.claim],
        check,
        message,
        row.recorded_by,
        row.recorded_at,
        row.imported_from,
        row.outcome_by,
        row.outcome_at,
        row.withdrawn_by,
        row.withdrawn_at,
    ]


def _typed(row: Complaint) -> list[Cell]:
    return [row.note, row.outcome_reason, row.withdraw_reason]


@router.post("/complaints")
def change_complaints(request: Request, visits: Visits, fields: Form) -> Response:
    """Records a complaint, writes an outcome down, or takes a complaint back; then shows the page again."""
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_record")
    who = visits.signature
    at = {name: fields.get(f"at_{name}", "") for name in ("agency", "since", "until", "claim", "state", "page")}
    place = page_in(at.pop("page"))
    filters = ComplaintFilters(**at)
    if not is_own_form(request, fields):
        return _page(request, visits, filters, place, "old_form", status=HTTPStatus.FORBIDDEN)
    now = datetime.now(UTC)
    try:
        with page_connection() as connection:
            said, number = _change(connection, who, visits.listed, fields, now)
    except ComplaintRefused as refused:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(request, visits, filters, place, "refused", tried=fields, why=str(refused), status=status)
    query = filters.given | ({"page": str(place)} if place > 1 else {}) | {"said": said}
    row = f"#phan-anh-{number}" if number else ""
    address = f"{request.scope.get('root_path', '')}/complaints?{urlencode(query)}{row}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER, HEADERS)


def _change(
    connection: Connection, user: str, agencies: list[str] | None, fields: dict[str, str], now: datetime
) -> tuple[str, int | None]:
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


def _states() -> dict[str, str]:
    """What the check of a complaint found, or why there is none, in words."""
    said: dict[str, str] = titles()["outcome"] | wording.list_words()["complaint_state"]
    return said


def _asked(
    visits: Visitor, filters: ComplaintFilters, agencies: Sequence[Agency], place: int = 1
) -> tuple[ComplaintsAsked, Faults]:
    """What an address asks for of what the visitor sees, and what is wrong with it.

    Raises:
        PageRefused: it names an agency that there is not, or that he may not see.
    """
    faults = Faults()
    chosen = agency_of(filters.agency, agencies, visits)
    begins, ends = faults.period(filters)
    claim: Any = faults.one_of(filters.claim, CLAIMS, "claim")
    state: Any = faults.one_of(filters.state, _states(), "complaint_state")
    asked = ComplaintsAsked(
        agency_code=chosen.agency_code if chosen else None,
        claim=claim,
        outcome=state if state in OUTCOMES else None,
        unlinked=state == "unlinked",
        repeated=state == "repeated",
        begins=begins,
        ends=ends,
        most=ROWS_A_PAGE + 1,
        skipped=(place - 1) * ROWS_A_PAGE,
        agencies=visits.listed,
    )
    return asked, faults


def _page(
    request: Request,
    visits: Visitor,
    filters: ComplaintFilters,
    place: int,
    said: str,
    *,
    tried: dict[str, str] | None = None,
    why: str = "",
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    now = datetime.now(UTC)
    rows: list[Complaint] = []
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
        asked, faults = _asked(visits, filters, agencies, place)
        if not faults:
            rows = list_complaints(connection, asked, visits.phone)
        counts = [each for each in count_complaints(connection, now - _COUNTED, now) if visits.sees(each.agency_code)]
        repeated = len(repeated_complaints(connection, start=now - _COUNTED, end=now, agencies=visits.listed))
    return render(
        request,
        "complaints.html",
        status=HTTPStatus.BAD_REQUEST if faults and status == HTTPStatus.OK else status,
        faults=faults,
        rows=rows[:ROWS_A_PAGE],
        more=len(rows) > ROWS_A_PAGE,
        place=place,
        filters=filters,
        at={name: getattr(filters, name) for name in ("agency", "claim", "state", "since", "until")} | {"page": place},
        query=urlencode(filters.given),
        check_states=_states(),
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
