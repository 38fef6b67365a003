"""The page *Nguồn dữ liệu*: how fresh each source is, which rows of it cannot be used yet, and what heals them.

The Department says here what an unknown status stands for: where citizens are told of it, or were, it asks for it, and
a worker does it once the Department was mailed; ``motcua sources map-status`` does it at once. Who said so and what it
stood for before is kept. An agency's administrators see the sources and the rows of their own agencies; auditors see no
code of a dossier.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from psycopg.errors import CheckViolation

from motcua.jobs.notices.looking.asking import asking
from motcua.reports import wording
from motcua.reports.lists.files import Row
from motcua.settings import settings
from motcua.store.checking.checks import last_checks
from motcua.store.ledger.database import page_connection
from motcua.store.notices.quarantine import QuarantineCount, open_quarantine
from motcua.store.notices.sources import Freshness, freshness_of_sources, mapped_statuses
from motcua.store.notices.templates import national_statuses
from motcua.store.oversight.page_requests import ask
from motcua.web.forms import is_own_form, sent_form
from motcua.web.lists.files import FileFormat, at_most, list_file
from motcua.web.quality.check_page import verdict_of
from motcua.web.quality.exports_page import sources_seen
from motcua.web.quality.pushes import CLIENT_COLUMNS, FAULT_COLUMNS, OWN_COLUMNS, SUPPLEMENT_COLUMNS, pushes_shown
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render
from motcua.web.runs.run_words import words as run_words
from motcua.web.staff.requests_page import waiting_requests
from motcua.web.visitors import Visitor, Visits

_STATUS = re.compile(r"-?[0-9]{1,5}")
_MOST_STATUS = 2**15 - 1
"""A status code of a source as ``motcua.status_maps`` holds it."""
_WITHOUT_EXAMPLES = ("code_missing", "code_unusable")
"""Reasons for which the field of the code may hold anything, a name or a number."""
_SAID = {"waits": "asked", "done": "mapped", "asked_before": "asked_before", "unknown": "unknown_source"}
"""What the page says, by what became of a form."""

router = APIRouter()


@router.get("/quality/sources")
def show_sources(request: Request, visits: Visits, said: str = "") -> HTMLResponse:
    """The sources, their rows that cannot be used, and what statuses were said to stand for."""
    return _page(request, visits, said if said in _SAID.values() else "")


@router.get("/quality/sources/file")
def download_sources(
    visits: Visits,
    format: FileFormat,
    of: Literal["sources", "unusable", "status_maps", "pushes", "push_faults", "supplements"],
) -> Response:
    """One of the page's lists."""
    rows: list[Row]
    with page_connection() as connection:
        if of == "sources":
            columns = ["source", "read_at", "last_change_at", "failed_at", "failure"]
            rows = [
                [each.name, each.picked_up_at, each.last_transition_at, each.failed_at, _failure(visits, each)]
                for each in freshness_of_sources(connection, visits.listed)
            ]
        elif of == "pushes":
            shown = pushes_shown(connection, visits.listed, datetime.now(UTC))
            whole = visits.agencies is None
            columns, rows = (
                [*(CLIENT_COLUMNS if whole else OWN_COLUMNS)],
                shown.client_rows if whole else shown.own_rows,
            )
        elif of == "push_faults":
            visits.must_see_all()
            columns, rows = [*FAULT_COLUMNS], pushes_shown(connection, None, datetime.now(UTC)).fault_rows
        elif of == "supplements":
            shown = pushes_shown(connection, visits.listed, datetime.now(UTC))
            columns, rows = [*SUPPLEMENT_COLUMNS], shown.supplement_rows
        elif of == "unusable":
            columns = ["source", "row_kind", "reason", "agency_code", "written_status", "rows", "since", "heals"]
            if not visits.is_auditor:
                columns.append("examples")
            rows = [_unusable_row(visits, each) for each in open_quarantine(connection, visits.listed)]
        else:
            visits.must_see_all()
            columns = [
                "source",
                "written_status",
                "stands_for",
                "mapped_before",
                "since",
                "changed_by",
                "mapping_ends_at",
            ]
            names = national_statuses()
            rows = [
                [
                    each.source,
                    each.source_status,
                    names[each.status_code],
                    names.get(each.status_before or 0),
                    each.mapped_at,
                    each.mapped_by,
                    each.ends_at,
                ]
                for each in mapped_statuses(connection)
            ]
    return list_file(format, of, [], columns, at_most(rows), as_of=datetime.now(UTC))


@router.post("/quality/sources")
def change_status(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Says what a status of a source stands for, or asks for it where citizens are told of it, or were."""
    visits.must_be_operator()
    who = visits.signature
    if not is_own_form(request, fields):
        return _page(request, visits, "old_form", status=HTTPStatus.FORBIDDEN)
    written, stands_for = fields.get("written", ""), fields.get("stands_for", "")
    statuses = {str(code): code for code in national_statuses()}
    if not _STATUS.fullmatch(written) or abs(int(written)) > _MOST_STATUS:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    if stands_for not in statuses:
        return _page(request, visits, "nothing_chosen", status=HTTPStatus.UNPROCESSABLE_ENTITY)
    wanted = {"source": fields.get("source", ""), "written": int(written), "stands_for": statuses[stands_for]}
    try:
        with page_connection() as connection:
            became = ask(connection, "map_status", wanted, who)
    except CheckViolation:
        # A code of the contract.
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so") from None
    said = urlencode({"said": _SAID[became]})
    return RedirectResponse(
        f"{request.scope.get('root_path', '')}/quality/sources?{said}", HTTPStatus.SEE_OTHER, HEADERS
    )


def _page(request: Request, visits: Visitor, said: str, *, status: int = HTTPStatus.OK) -> HTMLResponse:
    with page_connection() as connection:
        sources = freshness_of_sources(connection, visits.listed)
        rows = open_quarantine(connection, visits.listed)
        mapped = mapped_statuses(connection) if visits.agencies is None else []
        checks = last_checks(connection, list(settings().sources)) if visits.agencies is None else {}
        pushes = pushes_shown(connection, visits.listed, datetime.now(UTC))
        by_files = sources_seen(connection, visits)
        asked = waiting_requests(connection, visits, "map_status")
    return render(
        request,
        "quality/sources.html",
        status=status,
        sources=sources,
        failures={each.name: _failure(visits, each) for each in sources},
        rows=rows,
        examples=[_examples(visits, each) for each in rows],
        mapped=mapped,
        asked=asked,
        now=datetime.now(UTC),
        checked=[(name, checks.get(name)) for name in settings().sources],
        verdict_of=verdict_of,
        pushes=pushes,
        by_files=by_files,
        statuses=national_statuses(),
        decides=visits.is_operator,
        most_status=_MOST_STATUS,
        said=said,
        asking=asking() if visits.agencies is None else None,
        reasons=run_words()["quarantine"],
        said_of=wording.list_words()["unusable"],
        w=wording,
    )


def _failure(visits: Visitor, source: Freshness) -> str | None:
    """Why it could not be read; what an agency cannot mend it is not told."""
    return source.failure if source.failed_at and visits.agencies is None else None


def _examples(visits: Visitor, row: QuarantineCount) -> list[str]:
    if visits.is_auditor or row.reason in _WITHOUT_EXAMPLES:
        return []
    return [visits.text(each) for each in row.examples if each]


def _unusable_row(visits: Visitor, row: QuarantineCount) -> list[Any]:
    said = wording.list_words()["unusable"]
    cells: list[Any] = [
        row.source,
        said["row_kind"][row.row_kind],
        run_words()["quarantine"][row.reason],
        visits.text(row.agency_code or "") or None,
        row.status_code,
        row.rows,
        row.since,
        said["heals"][row.reason],
    ]
    return cells if visits.is_auditor else [*cells, ", ".join(_examples(visits, row))]
