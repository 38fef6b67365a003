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
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from psycopg.errors import CheckViolation

from motcua.jobs.listing.reading import Listing
from motcua.jobs.notices.looking import asking
from motcua.reports import wording
from motcua.reports.lists.files import Word
from motcua.settings import settings
from motcua.store.checking.checks import last_checks
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.notices.quarantine import QuarantineCount, open_quarantine
from motcua.store.notices.sources import Freshness, freshness_of_sources, mapped_statuses
from motcua.store.notices.templates import national_statuses
from motcua.store.oversight.page_requests import ask
from motcua.web.forms import is_own_form, sent_form
from motcua.web.lists.page import FileFormat, file_of, shown_list
from motcua.web.quality.check_page import verdict_of
from motcua.web.quality.exports_page import sources_seen
from motcua.web.quality.pushes import pushes_shown
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
    request: Request,
    visits: Visits,
    format: FileFormat,
    of: Literal["sources", "unusable", "status_maps", "pushes", "push_faults", "supplements"],
) -> Response:
    """One of the page's lists."""
    if of in ("status_maps", "push_faults"):
        visits.must_see_all()
    with page_connection() as connection:
        listing = _lists(connection, visits)[of]
    return file_of(request, visits, listing, format, about=[])


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
        lists = _lists(connection, visits)
        shown = {
            name: shown_list(
                connection,
                request,
                visits,
                listing,
                prefix=f"{name}_",
                here="/quality/sources",
                file="/quality/sources/file",
            )
            for name, listing in lists.items()
        }
        checks = last_checks(connection, list(settings().sources)) if visits.agencies is None else {}
        by_files = sources_seen(connection, visits)
        asked = waiting_requests(connection, visits, "map_status")
    return render(
        request,
        "quality/sources.html",
        status=status,
        lists=shown,
        asked=asked,
        now=datetime.now(UTC),
        checked=[(name, checks.get(name)) for name in settings().sources],
        verdict_of=verdict_of,
        by_files=by_files,
        statuses=national_statuses(),
        decides=visits.is_operator,
        most_status=_MOST_STATUS,
        said=said,
        asking=asking() if visits.agencies is None else None,
        w=wording,
    )


def _lists(connection: Connection, visits: Visitor) -> dict[str, Listing]:
    """The page's lists, of what the visitor may see."""
    reasons, statuses = run_words()["quarantine"], national_statuses()
    found = {
        "sources": Listing("sources").of(
            freshness_of_sources(connection, visits.listed),
            state=lambda row, seen: Word("failing", "đang lỗi", "bad") if row.failed_at else "đọc được",
            failure=lambda row, seen: _failure(visits, row),
        ),
        "unusable": Listing("unusable").of(
            open_quarantine(connection, visits.listed),
            reason=lambda row, seen: reasons[row.reason],
            examples=lambda row, seen: ", ".join(_examples(visits, row)) or None,
        ),
        **pushes_shown(connection, visits.listed, datetime.now(UTC)),
    }
    if visits.agencies is None:
        found["status_maps"] = Listing("status_maps").of(
            mapped_statuses(connection),
            stands_for=lambda row, seen: statuses[row.status_code],
            mapped_before=lambda row, seen: statuses[row.status_before] if row.status_before else None,
            told=lambda row, seen: (
                f"{row.status_code} {statuses[row.status_code]}"
                + (f" (trước đó {row.status_before} {statuses[row.status_before]})" if row.status_before else "")
            ),
        )
    return found


def _failure(visits: Visitor, source: Freshness) -> str | None:
    """Why it could not be read; what an agency cannot mend it is not told."""
    return visits.text(source.failure or "") or None if source.failed_at and visits.agencies is None else None


def _examples(visits: Visitor, row: QuarantineCount) -> list[str]:
    if visits.is_auditor or row.reason in _WITHOUT_EXAMPLES:
        return []
    return [visits.text(each) for each in row.examples if each]
