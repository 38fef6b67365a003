"""The page *Nguồn dữ liệu*: when each source was last read, and what would make its unusable rows usable.

The Department states here which national status a status of a source stands for. If citizens get messages about the old
or the new national status, the page only requests the change. The DAG ``settle_messages`` mails the request to the
Department and later makes the change. The command ``motcua sources map-status`` makes any change immediately. The
ledger stores who made the change and what the status stood for before. An agency's administrators see the sources and
rows of their own agencies. Auditors see no dossier codes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from psycopg.errors import CheckViolation

from motcua.jobs.listing.lists import PUSH_FAULTS, PUSHES, SOURCES, STATUS_MAPS, SUPPLEMENTS, UNUSABLE, check_of
from motcua.jobs.listing.reading import Listing
from motcua.jobs.notices.looking import asking
from motcua.reports import wording
from motcua.reports.checks import check_words, in_words, terms_of, verdict
from motcua.settings import settings
from motcua.store.checking.checks import SourceCheck, last_checks
from motcua.store.ledger.database import page_connection
from motcua.store.notices.templates import national_statuses
from motcua.store.oversight.page_requests import ask
from motcua.web.forms import PageRefused, must_be_own_form, sent_form
from motcua.web.lists import FileFormat, file_of, shown_list
from motcua.web.rendering import led_to, render
from motcua.web.staff.requests_page import waiting_requests
from motcua.web.visitors import Visitor, Visits, sources_seen

# --- A source's last check -------------------------------------------------------------------------------------------

router = APIRouter()


@router.get("/quality/sources/check")
def show_check(request: Request, visits: Visits, source: str = "") -> HTMLResponse:
    """Show what the last check of a source found."""
    check = _last_check(visits, source)
    kind = settings().sources[source]
    return render(
        request,
        "quality/check.html",
        source=source,
        terms=terms_of(settings().sources[source]),
        check=check,
        found=[(each, in_words(each.finding, kind)) for each in check.findings] if check else [],
        unseen=[in_words(each.finding, kind) for each in check.unseen] if check else [],
        verdict=verdict_of(check) if check else "",
        severities=check_words()["severity"],
        shows_codes=not visits.is_auditor,
        w=wording,
    )


@router.get("/quality/sources/check/file")
def download_check(request: Request, visits: Visits, format: FileFormat, source: str = "") -> Response:
    """Return the findings as a file, to be sent to the people who run the one-stop software."""
    check = _last_check(visits, source)
    kind = settings().sources[source]
    about = [check_words()["page"]["about"].format(source=source)]
    if check and check.findings and (terms := terms_of(kind)):
        about.append(terms)
    as_of = check.checked_at if check else None
    return file_of(request, visits, check_of(check, kind), format, about=about, as_of=as_of)


def verdict_of(check: SourceCheck) -> str:
    """Return the result of a check in one sentence."""
    return verdict([each.finding.severity for each in check.findings])


def _last_check(visits: Visitor, source: str) -> SourceCheck | None:
    """Return the last check of a source, or ``None`` if it was never checked.

    Raises:
        PageRefused: the visitor sees some agencies only, or there is no such source.
    """
    visits.must_see_all()
    with page_connection() as connection:
        check = last_checks(connection, [source]).get(source)
    if source not in settings().sources:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    return check


# --- The page --------------------------------------------------------------------------------------------------------

_STATUS = re.compile(r"-?[0-9]{1,5}")
_MOST_STATUS = 2**15 - 1
"""Largest status code of a source that ``motcua.status_maps`` can hold."""
_SAID = {"waits": "asked", "done": "mapped", "asked_before": "asked_before", "unknown": "unknown_source"}
"""Key of the message that the page shows, by the outcome of a form."""


@router.get("/quality/sources")
def show_sources(request: Request, visits: Visits, said: str = "") -> HTMLResponse:
    """Show the sources, their unusable rows, and the meanings that were given to statuses."""
    return _page(request, visits, said if said in _SAID.values() else "")


@router.get("/quality/sources/file")
def download_sources(
    request: Request,
    visits: Visits,
    format: FileFormat,
    of: Literal["sources", "unusable", "status_maps", "pushes", "push_faults", "supplements"],
) -> Response:
    """Return one of the page's lists as a file."""
    if of in ("status_maps", "push_faults"):
        visits.must_see_all()
    return file_of(request, visits, _lists(visits)[of], format, about=[])


@router.post("/quality/sources")
def change_status(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Set the meaning of a source's status, or only request it if citizens get messages about the old or new one."""
    visits.must_be_operator()
    who = visits.signature
    must_be_own_form(request, fields)
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
        # The typed code is one of the codes whose meaning the source contract fixes for all sources.
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so") from None
    return led_to(request, "/quality/sources", {"said": _SAID[became]})


def _page(request: Request, visits: Visitor, said: str, *, status: int = HTTPStatus.OK) -> HTMLResponse:
    with page_connection() as connection:
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
            for name, listing in _lists(visits).items()
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
        checked={name: checks.get(name) for name in settings().sources},
        verdict_of=verdict_of,
        by_files=by_files,
        statuses=national_statuses(),
        decides=visits.is_operator,
        most_status=_MOST_STATUS,
        said=said,
        asking=asking() if visits.agencies is None else None,
        w=wording,
    )


def _lists(visits: Visitor) -> dict[str, Listing]:
    """Return the page's lists, limited to what the visitor may see."""
    every = (SOURCES, UNUSABLE, PUSHES, PUSH_FAULTS, SUPPLEMENTS)
    return {each.name: each for each in (*every, *((STATUS_MAPS,) if visits.agencies is None else ()))}
