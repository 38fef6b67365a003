"""The page of one source's last check: what breaks the contract, in words to send to whoever runs the software.

It is about all agencies of a source. Auditors see no code of a dossier.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from motcua.jobs.listing.sources import check_of
from motcua.reports import wording
from motcua.reports.checks import check_words, in_words, terms_of, verdict
from motcua.settings import settings
from motcua.store.checking.checks import SourceCheck, last_checks
from motcua.store.ledger.database import page_connection
from motcua.web.lists.page import FileFormat, file_of
from motcua.web.refusals import PageRefused
from motcua.web.rendering import render
from motcua.web.visitors import Visitor, Visits

router = APIRouter()


@router.get("/quality/sources/check")
def show_check(request: Request, visits: Visits, source: str = "") -> HTMLResponse:
    """What the last check of a source found."""
    check = _last(visits, source)
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
    """The same as a file, to be sent to whoever runs the software."""
    check = _last(visits, source)
    kind = settings().sources[source]
    about = [check_words()["page"]["about"].format(source=source)]
    if check and check.findings and (terms := terms_of(kind)):
        about.append(terms)
    as_of = check.checked_at if check else None
    return file_of(request, visits, check_of(check, kind), format, about=about, as_of=as_of)


def verdict_of(check: SourceCheck) -> str:
    """What a check came to, in a sentence."""
    return verdict([each.finding.severity for each in check.findings])


def _last(visits: Visitor, source: str) -> SourceCheck | None:
    """The last check of a source; ``None``: it was never checked.

    Raises:
        PageRefused: he sees some agencies' alone, or there is no such source.
    """
    visits.must_see_all()
    with page_connection() as connection:
        check = last_checks(connection, [source]).get(source)
    if source not in settings().sources:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    return check
