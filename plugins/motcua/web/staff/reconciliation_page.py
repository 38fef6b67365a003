"""The page *Đối chiếu*: the figures of each closing, whether they add up, the rows that they count, and publications.

An agency's administrators get figures and rows of their own agencies, and only their agencies' own workbooks among the
published files: every other file holds rows of all agencies.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from http import HTTPStatus
from mimetypes import guess_type
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.intake.portal_figures import ComparedAgency
from motcua.domain.periods import Period
from motcua.domain.reconciliation import STATES, Closing, CountedDossier, ReconciliationReport
from motcua.jobs.listing.lists import CLOSINGS, lists_of_closing, rows_of_figure
from motcua.jobs.listing.reading import USUAL
from motcua.jobs.publications.publishing import publications_store
from motcua.jobs.reconciliation.reporting import ClosingShown, show_closing, show_figure
from motcua.reports import wording
from motcua.reports.lists import MOST_ROWS
from motcua.reports.publication.data import Told, period_words, points
from motcua.reports.publication.document import summary_lines
from motcua.reports.publication.files import AGENCY_FOLDER, agency_workbook_name
from motcua.store.intake.portal_figures import compare_periods
from motcua.store.intake.pushes import pushed_of_closing
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.oversight.figure_rows import Cell, FigureRows, NoSuchFigure, newest_periods, opened_of_lengths
from motcua.store.oversight.page_requests import ask
from motcua.store.oversight.publications import Publication, find_publication, last_verifications
from motcua.web.airflow import run_starter
from motcua.web.forms import PageRefused, kept_query, must_be_own_form, number_in, sent_form
from motcua.web.lists import FileFormat, file_of, list_page, shown_list
from motcua.web.rendering import HEADERS, led_to, render
from motcua.web.staff.requests_page import waiting_requests
from motcua.web.visitors import Visitor, Visits

log = logging.getLogger(__name__)

_SHOWN = 100
"""Largest number of reasons that the page shows, and of agencies that it compares with the national portal."""
_PERIODS = 45
_LISTED = 1_001
"""Largest number of rows that the page of a figure reads. The downloaded file has all rows."""

router = APIRouter()


@router.get("/reconciliation")
def show_reconciliation(
    request: Request, visits: Visits, closing: str = "", agency: str = "", said: str = ""
) -> HTMLResponse:
    """Show the figures of one closing, of all agencies or of one, and differences that nothing explains.

    The closing is by default the newest one of a day that had messages. The page has links to the other closings of
    periods of the same length.
    """
    if agency:
        visits.must_see(agency)
    elif visits.listed is not None:
        agency = next(iter(visits.listed), "")
    with page_connection() as connection:
        newest = opened_of_lengths(connection, agency or None)
        if not ((closing or newest) and visits.sees(agency or None)):
            return render(request, "reconciliation.html", told=None, is_closed=bool(newest))
        number = number_in(closing) if closing else next(iter(newest.values()))
        shown = _load_closing(connection, number, agency or None, USUAL.sorted)
        length = shown.report.closing.period.length
        periods = newest_periods(connection, length, _PERIODS, summed=visits.agencies is None)
        portal = _portal(connection, shown.report.closing, agency or None)
        published = find_publication(connection, closing_no=shown.report.closing.closing_no)
        verified = last_verifications(
            connection, [shown.report.closing.closing_no, *(each.closing_no for each in periods)]
        )
        asked = waiting_requests(connection, visits, "verify", str(published.publication_no)) if published else []
        told = Told(shown.report, agency=agency or None)
        lists = {
            each.name: shown_list(
                connection,
                request,
                visits,
                each,
                prefix=f"{each.name}_",
                here="/reconciliation",
                query=[("closing", str(number)), *kept_query(request, "closing")],
                file="/reconciliation/figures/file",
            )
            for each in lists_of_closing(told, shown.messages.rows, shown.dossiers.rows)
        }
    known = {each.agency_code for each in Told(shown.report).agencies}
    # Administrators may open the page of their own agency even if the closing has no figures of the agency.
    if agency and visits.agencies is None and agency not in known:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency", code=agency)
    return render(
        request,
        "reconciliation.html",
        as_of=shown.report.closing.as_of,
        told=told,
        periods=periods,
        period=lambda written: period_words(Period.parse(written)),
        newest=newest,
        length=length,
        published=published,
        verified=verified,
        asked=asked,
        said=said if said in ("verifying", "verifies_later") else "",
        files=_published_files(published, told),
        own=[(code, told.agency_name(code)) for code in visits.listed or ()],
        summary=summary_lines(told),
        has_few=any(0 < each.notices.tellable < wording.LEAST_JUDGED for each in told.agencies),
        terms=[(state, getattr(told.total, state)) for state in STATES if getattr(told.total, state)],
        lists=lists,
        messages=shown.messages.all_rows,
        dossiers=shown.dossiers.all_rows,
        portal=portal,
        shown=_SHOWN,
        orphans=sorted(Counter(each.sort for each in told.orphans).items()),
        count=wording.count,
        points=points,
        signed=wording.signed,
        moment=wording.moment,
        w=wording,
    )


@router.post("/reconciliation")
def verify_again(
    request: Request,
    visits: Visits,
    fields: Annotated[dict[str, str], Depends(sent_form)],
    start_run: Annotated[Callable[[str, str], bool], Depends(run_starter)],
) -> Response:
    """Request a verification of a publication, and start a run for it. If no run starts, the next night's run verifies
    the publication."""
    visits.must_be_operator()
    who = visits.signature
    must_be_own_form(request, fields)
    number = number_in(fields.get("publication", ""))
    with page_connection() as connection:
        found = None if number is None else find_publication(connection, publication_no=number)
        if found is None or ask(connection, "verify", {"publication": number}, who) == "unknown":
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    said = "verifying" if start_run("verify_publications", who) else "verifies_later"
    return led_to(request, "/reconciliation", {"closing": str(found.closing_no), "said": said}, "#ban-cong-bo")


list_page(router, "/reconciliation/closings", CLOSINGS, of_all=True)


@router.get("/reconciliation/figures/file")
def download_figures(
    request: Request,
    visits: Visits,
    format: FileFormat,
    closing: str,
    agency: str = "",
    of: Literal["closing", "closing_dossiers", "closing_differences", "closing_changes"] = "closing",
) -> Response:
    """Return one of the lists of a closing as a file, of all agencies or of one."""
    visits.must_see(agency or None)
    with page_connection() as connection:
        shown = _load_closing(connection, number_in(closing), agency or None, MOST_ROWS + 1)
    told, cut_off = Told(shown.report, agency=agency or None), shown.report.closing
    said = wording.list_words()["told"]
    whose = told.agency_name(agency) if agency else said["every_agency"]
    about = [told.period, said["closing"].format(no=cut_off.closing_no), whose]
    lists = {each.name: each for each in lists_of_closing(told, shown.messages.rows, shown.dossiers.rows)}
    return file_of(request, visits, lists[of], format, about=about, as_of=cut_off.as_of)


def _asked_cell(
    agency: str | None = None, procedure: str | None = None, kind: str | None = None, reason: str | None = None
) -> Cell:
    """Return the part of a closing that an address names. A parameter that is missing stands for all values."""
    if any("\x00" in written for written in (agency, procedure, kind, reason) if written):
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    return Cell(agency, procedure, kind, reason)


AskedFor: TypeAlias = Annotated[Cell, Depends(_asked_cell)]


@router.get("/reconciliation/rows")
def show_rows(request: Request, visits: Visits, closing: str, figure: str, cell: AskedFor) -> HTMLResponse:
    """Show the messages, dossiers or orphans that a figure of a closing counts, as they were at its cut-off.

    Orphans are records without the record that they belong to.
    """
    report, found = _rows_of_figure(visits, closing, figure, cell, _LISTED)
    told = Told(report)
    listing = rows_of_figure(told, found)
    with page_connection() as connection:
        shown = shown_list(connection, request, visits, listing, file="/reconciliation/rows.{form}")
    return render(
        request,
        "figure_rows.html",
        as_of=report.closing.as_of,
        told=told,
        found=found,
        name=_figure_name(told, figure),
        cell_told=_cell_in_words(told, cell),
        shown=shown,
        of_dossiers=found.of is CountedDossier,
        cell=cell,
        w=wording,
    )


@router.get("/reconciliation/rows.csv")
def download_rows_csv(request: Request, visits: Visits, closing: str, figure: str, cell: AskedFor) -> Response:
    """Return all rows of a figure as a CSV file, as the page shows them."""
    return _rows_file(request, visits, "csv", closing, figure, cell)


@router.get("/reconciliation/rows.xlsx")
def download_rows_workbook(request: Request, visits: Visits, closing: str, figure: str, cell: AskedFor) -> Response:
    """Return all rows of a figure as a workbook, as the page shows them."""
    return _rows_file(request, visits, "xlsx", closing, figure, cell)


def _rows_file(request: Request, visits: Visitor, form: FileFormat, closing: str, figure: str, cell: Cell) -> Response:
    report, found = _rows_of_figure(visits, closing, figure, cell, None)
    told = Told(report)
    about = [_figure_name(told, figure), _cell_in_words(told, cell)]
    return file_of(request, visits, rows_of_figure(told, found), form, about=about, as_of=report.closing.as_of)


def _figure_name(told: Told, figure: str) -> str:
    return str(
        wording.list_words()["figure"].get(figure)
        or told.words["orphan"].get(figure)
        or told.words["columns"][figure]["head"]
    )


def _cell_in_words(told: Told, cell: Cell) -> str:
    """Return the part of a closing in words."""
    said = wording.list_words()["figure_of"]
    parts = [told.period[:1].upper() + told.period[1:]]
    if cell.agency_code is not None:
        parts.append(told.agency_name(cell.agency_code))
    if cell.procedure_code is not None:
        parts.append(told.procedure_name(cell.procedure_code))
    if cell.kind:
        parts.append(said["kind"].format(kind=told.words["kind"].get(cell.kind, cell.kind).lower()))
    if cell.reason is not None:
        parts.append(said["reason"].format(reason=told.reason(cell.reason).lower() or said["no_reason"]))
    return ", ".join(parts)


def _rows_of_figure(
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


def _load_closing(connection: Connection, closing: int | None, agency: str | None, most: int) -> ClosingShown:
    try:
        if closing is not None:
            return show_closing(connection, closing, agency, most)
    except LookupError:
        pass
    raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_closing")


@router.get("/reconciliation/file")
def download(visits: Visits, publication: str, name: str) -> Response:
    """Return a published file, if its checksum is still the published one."""
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
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        content = b""
    except OSError as error:
        log.error("a publication's file cannot be read: %s", error)
        raise PageRefused(HTTPStatus.SERVICE_UNAVAILABLE, "files_unreachable") from error
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


def _portal(
    connection: Connection, closing: Closing, agency: str | None
) -> tuple[Sequence[ComparedAgency], int] | None:
    """Return the figures of agencies at the national portal, and the number of agencies without such figures.

    The number counts only agencies whose data was pushed. Return ``None`` for other periods than days and months, for
    which nobody hands in figures of the portal.
    """
    period = closing.period
    if period.length not in ("day", "month"):
        return None
    compared = compare_periods(connection, [str(period)], agency_code=agency, up_to=closing.closing_no)
    known = {each.newest.agency_code for each in compared}
    pushed = {each.agency_code for each in pushed_of_closing(connection, closing.closing_no)}
    waiting = {code for code in pushed - known if agency in (None, code)}
    return compared, len(waiting)


def _published_files(published: Publication | None, told: Told) -> list[dict[str, Any]]:
    """Return the workbook of the chosen agency in the publication; if none is chosen, the files about all agencies."""
    if published is None:
        return []
    files: list[dict[str, Any]] = published.manifest["files"]
    if told.agency:
        return [each for each in files if each["name"] == agency_workbook_name(told.agency)]
    return [each for each in files if not each["name"].startswith(AGENCY_FOLDER)]
