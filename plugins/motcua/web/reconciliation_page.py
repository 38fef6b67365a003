"""The page *Đối chiếu*: what was closed, whether it meets, each figure down to its rows, and the published files."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from mimetypes import guess_type
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.reconciliation import STATES, Period
from motcua.jobs.publishing import publications_store
from motcua.jobs.reporting import build_report
from motcua.reports import wording
from motcua.reports.publication_data import Told, period_words, share
from motcua.reports.publication_document import summary_lines
from motcua.store.closings import list_closings
from motcua.store.database import Connection, ledger_pool
from motcua.store.publications import Publication, find_publication
from motcua.web.rendering import HEADERS, PageRefused, render

_SHOWN = 100
"""Rows of differences; the workbook has all of them."""
_PERIODS = 45

router = APIRouter()


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """One period of the list, with its newest closing."""

    closing_no: int
    words: str
    is_month: bool
    corrections: int
    expected: int
    delivered: int
    difference: int
    unexplained: int
    unread: bool

    @property
    def meets(self) -> bool:
        """Nothing is missing and nothing too much, or for a reason."""
        return not (self.difference or self.unexplained or self.unread)


@router.get("/reconciliation")
def show_reconciliation(request: Request, closing: int = 0, agency: str = "") -> HTMLResponse:
    """One closing, the newest by default: its figures, by agency or of one, and what does not meet."""
    with ledger_pool().connection() as connection:
        periods = _periods(connection)
        number = closing or (periods[0].closing_no if periods else 0)
        if not number:
            return render(request, "reconciliation.html", told=None, periods=periods)
        try:
            report = build_report(connection, number)
        except LookupError:
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_closing") from None
        published = find_publication(connection, closing_no=number)
    told = Told(report, agency=agency or None)
    if agency and agency not in {each.agency_code for each in Told(report).agencies}:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency", code=agency)
    return render(
        request,
        "reconciliation.html",
        told=told,
        periods=periods,
        published=published,
        files=_files(published, told),
        summary=summary_lines(told),
        terms=[(state, getattr(told.total, state)) for state in STATES if getattr(told.total, state)],
        shown=_SHOWN,
        count=wording.count,
        share=share,
        signed=wording.signed,
        moment=wording.moment,
    )


@router.get("/reconciliation/file")
def download(publication: int, name: str) -> Response:
    """A published file, only as it was published."""
    with ledger_pool().connection() as connection:
        found = find_publication(connection, publication_no=publication) if publication > 0 else None
    listed = {each["name"]: each["sha256"] for each in found.manifest["files"]} if found else {}
    if found is None or name not in (*listed, "manifest.json"):
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    try:
        content = (publications_store() / found.folder / name).read_bytes()
    except OSError:
        content = b""
    if sha256(content).hexdigest() != listed.get(name, found.manifest_sha256):
        raise PageRefused(HTTPStatus.CONFLICT, "file_changed")
    last = name.rpartition("/")[2]
    return Response(
        content,
        media_type=guess_type(last)[0] or "application/octet-stream",
        headers=HEADERS
        | {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(last)}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _periods(connection: Connection) -> list[ClosedPeriod]:
    """The newest periods, each once, with how often it was corrected."""
    newest: dict[str, dict[str, Any]] = {}
    corrections: dict[str, int] = {}
    for row in list_closings(connection, 4 * _PERIODS):
        newest.setdefault(row["period"], row)
        corrections[row["period"]] = corrections.get(row["period"], -1) + 1
    return [
        ClosedPeriod(
            row["closing_no"],
            period_words(Period.parse(name)),
            Period.parse(name).is_month,
            corrections[name],
            int(row["expected"] or 0),
            int(row["delivered"] or 0),
            row["difference"],
            row["unexplained"],
            bool(row["sources_unread"]),
        )
        for name, row in list(newest.items())[:_PERIODS]
    ]


def _files(published: Publication | None, told: Told) -> list[dict[str, Any]]:
    """The files of the publication: of an agency its own one, else those over all."""
    if published is None:
        return []
    own = [each for each in published.manifest["files"] if "/" in each["name"]]
    if told.agency:
        return [each for each in own if told.agency in each["name"]]
    return [each for each in published.manifest["files"] if each not in own]
