"""The page *Đối chiếu*: what was closed, whether it meets, each figure down to its rows, and the published files.

An agency's administrators get figures and rows of their own agencies, and of the files their agencies' own workbooks:
every other one holds rows of all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from mimetypes import guess_type
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.periods import Period
from motcua.domain.reconciliation import STATES, CountedDossier, Orphan, ReconciliationReport
from motcua.jobs.publications.publishing import publications_store
from motcua.jobs.reconciliation.reporting import ClosingShown, show_closing, show_figure
from motcua.reports import wording
from motcua.reports.publication.csv_tables import plain_csv
from motcua.reports.publication.data import Told, period_words, points
from motcua.reports.publication.document import summary_lines
from motcua.reports.publication.files import AGENCY_FOLDER, agency_workbook_name
from motcua.store.browsing.closings import newest_periods
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.oversight.figure_rows import Cell, FigureRows, NoSuchFigure
from motcua.store.oversight.publications import Publication, find_publication
from motcua.web.forms import number_in
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render
from motcua.web.visitors import Visitor, Visits

_SHOWN = 100
"""Rows of differences; the workbook has all of them."""
_PERIODS = 45
_OF_DOSSIERS = (
    "carried_over",
    "received",
    "resolved_early",
    "resolved_on_time",
    "resolved_late",
    "open_in_time",
    "open_late",
    "due",
    "handed_over",
)
"""Figures of dossiers on the page; the workbook has all of them."""
_LISTED = 300
"""Rows of a figure on its page; the file has all of them."""

router = APIRouter()


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """One period of the list, with its newest closing."""

    closing_no: int
    words: str
    is_month: bool
    corrections: int
    expected: int
    tellable: int
    delivered: int
    difference: int
    unexplained: int
    unread: bool

    @property
    def meets(self) -> bool:
        """Nothing is missing and nothing too much, or for a reason."""
        return not (self.difference or self.unexplained or self.unread)


@router.get("/reconciliation")
def show_reconciliation(request: Request, visits: Visits, closing: str = "", agency: str = "") -> HTMLResponse:
    """One closing, the newest by default: its figures, by agency or of one, and what does not meet."""
    if agency:
        visits.must_see(agency)
    elif visits.listed is not None:
        agency = next(iter(visits.listed), "")
    with page_connection() as connection:
        periods = _periods(connection, summed=visits.agencies is None)
        if not ((closing or periods) and visits.sees(agency or None)):
            return render(request, "reconciliation.html", told=None, periods=periods)
        shown = _closing(connection, number_in(closing) if closing else periods[0].closing_no, agency or None)
        published = find_publication(connection, closing_no=shown.report.closing.closing_no)
    told = Told(shown.report, agency=agency or None)
    known = {each.agency_code for each in Told(shown.report).agencies}
    # His own agency may have nothing in this period; he is shown that.
    if agency and visits.agencies is None and agency not in known:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency", code=agency)
    return render(
        request,
        "reconciliation.html",
        told=told,
        periods=periods,
        published=published,
        files=_files(published, told),
        own=[(code, told.agency_name(code)) for code in visits.listed or ()],
        summary=summary_lines(told),
        terms=[(state, getattr(told.total, state)) for state in STATES if getattr(told.total, state)],
        messages=shown.messages,
        dossiers=shown.dossiers,
        shown=_SHOWN,
        dossier_figures=_OF_DOSSIERS,
        orphans=sorted(Counter(each.sort for each in told.orphans).items()),
        count=wording.count,
        points=points,
        signed=wording.signed,
        moment=wording.moment,
    )


def _asked_for(
    agency: str | None = None, procedure: str | None = None, kind: str | None = None, reason: str | None = None
) -> Cell:
    """The part of a closing that an address names; what it leaves out is not narrowed down."""
    if any("\x00" in written for written in (agency, procedure, kind, reason) if written):
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    return Cell(agency, procedure, kind, reason)


AskedFor: TypeAlias = Annotated[Cell, Depends(_asked_for)]


@router.get("/reconciliation/rows")
def show_rows(request: Request, visits: Visits, closing: str, figure: str, cell: AskedFor) -> HTMLResponse:
    """The messages, dossiers or orphans that a figure of a closing counts, as they stood at its cut-off."""
    report, found = _rows(visits, closing, figure, cell, _LISTED)
    return render(
        request,
        "figure_rows.html",
        told=Told(report),
        found=found,
        figure=figure,
        of_dossiers=found.of is CountedDossier,
        of_orphans=found.of is Orphan,
        cell=cell,
        query=request.url.query,
        count=wording.count,
        moment=wording.moment,
        written=wording.day,
    )


@router.get("/reconciliation/rows.csv")
def download_rows(visits: Visits, closing: str, figure: str, cell: AskedFor) -> Response:
    """All rows of a figure, for machines and spreadsheets."""
    report, found = _rows(visits, closing, figure, cell, None)
    return _attachment(
        plain_csv(found.of, found.rows), f"{report.closing.period}-{report.closing.closing_no}-{figure}.csv"
    )


def _rows(
    visits: Visitor, closing: str, figure: str, cell: Cell, limit: int | None
) -> tuple[ReconciliationReport, FigureRows]:
    visits.must_see(cell.agency_code)
    number = number_in(closing)
    if number is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_closing")
    with page_connection() as connection:
        try:
            return show_figure(connection, number, figure, cell, limit)
        except NoSuchFigure:
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_figure") from None
        except LookupError:
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_closing") from None


def _closing(connection: Connection, closing: int | None, agency: str | None) -> ClosingShown:
    try:
        if closing is not None:
            return show_closing(connection, closing, agency, _SHOWN)
    except LookupError:
        pass
    raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_closing")


@router.get("/reconciliation/file")
def download(visits: Visits, publication: str, name: str) -> Response:
    """A published file, only as it was published."""
    own = {agency_workbook_name(code) for code in visits.agencies or ()}
    if name not in own:
        visits.must_see(None)
    number = number_in(publication)
    with page_connection() as connection:
        found = None if number is None else find_publication(connection, publication_no=number)
    listed = {each["name"]: each["sha256"] for each in found.manifest["files"]} if found else {}
    if found is None or name not in (*listed, "manifest.json"):
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    try:
        content = (publications_store() / found.folder / name).read_bytes()
    except OSError:
        content = b""
    if sha256(content).hexdigest() != listed.get(name, found.manifest_sha256):
        raise PageRefused(HTTPStatus.CONFLICT, "file_changed")
    return _attachment(content, name.rpartition("/")[2])


def _attachment(content: bytes, name: str) -> Response:
    return Response(
        content,
        media_type=guess_type(name)[0] or "application/octet-stream",
        headers=HEADERS
        | {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _periods(connection: Connection, *, summed: bool) -> list[ClosedPeriod]:
    """The newest periods, each once, with how often it was corrected; sums over all agencies are for who sees all."""
    return [
        ClosedPeriod(
            row.closing_no,
            period_words(Period.parse(row.period)),
            Period.parse(row.period).is_month,
            row.corrections,
            row.expected,
            row.tellable,
            row.delivered,
            row.difference,
            row.unexplained,
            bool(row.sources_unread),
        )
        for row in newest_periods(connection, _PERIODS, summed=summed)
    ]


def _files(published: Publication | None, told: Told) -> list[dict[str, Any]]:
    """The files of the publication: of an agency its own one, else those over all."""
    if published is None:
        return []
    files: list[dict[str, Any]] = published.manifest["files"]
    if told.agency:
        return [each for each in files if each["name"] == agency_workbook_name(told.agency)]
    return [each for each in files if not each["name"].startswith(AGENCY_FOLDER)]
