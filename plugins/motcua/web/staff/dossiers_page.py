"""The page *Hồ sơ*, for questions at the counter: the messages about a dossier, or why the citizen got none.

A dossier is found by its code in any spelling that the SMS service 9029 reads, by the last characters of its code, or
by a phone number. The search is sent as a form and is in no address, so that nobody else sees the number in an address.
The ledger stores who searched for a phone number. Auditors cannot search by phone number, and nobody can search by
name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.explaining import TOLD
from motcua.domain.inquiries import reads_as_name
from motcua.domain.phones.reading import hide_phones, holds_phone, read_phone
from motcua.jobs.explaining import (
    CodeSearch,
    ExplainedDossier,
    axis_lines,
    explain_dossier,
    find_by_code,
    find_by_tail,
    status_name,
)
from motcua.jobs.listing.asking import Asked
from motcua.jobs.listing.lists import AXIS, DOSSIERS
from motcua.reports import wording
from motcua.reports.explaining import clauses, due_moment
from motcua.settings import settings
from motcua.store.agencies import Agency, find_agency, list_agencies
from motcua.store.dossiers import MOST_FOUND, DossierFound, dossiers_by_number, dossiers_by_phone
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.people import log_phone_search
from motcua.web.forms import PageRefused, must_be_own_form, number_in, sent_form
from motcua.web.lists import FileFormat, asked_of, list_file, shown_list
from motcua.web.rendering import led_to, render
from motcua.web.visitors import Visitor, Visits

LONGEST = 100
"""Largest number of characters of a search that are used. The rest is cut off."""

router = APIRouter()
Form = Annotated[dict[str, str], Depends(sent_form)]


@router.get("/dossiers")
def show_dossier(request: Request, visits: Visits, agency: str = "", code: str = "") -> Response:
    """Show a dossier. For an ambiguous code, list the dossiers that it may mean. Without a code, show the search."""
    typed = _one_line(code)
    if holds_phone(typed):
        return _search_page(request, "phone_in_address", status=HTTPStatus.BAD_REQUEST)
    if not typed:
        return _search_page(request, "nothing_typed" if code else "")
    with page_connection() as connection:
        known = list_agencies(connection)
        found = find_by_code(connection, typed, visits.listed, _code_of(known, agency, visits))
        if len(found.dossiers) > 1:
            return _list_page(connection, request, visits, found.dossiers, "several")
        if not found.dossiers:
            return _nothing_found(request, found, typed)
        explained = _explain(connection, found.dossiers[0], visits)
    lines = axis_lines(explained, visits.phone, codes=visits.is_operator)
    return render(
        request,
        "dossiers/dossier.html",
        **_dossier_values(explained, visits),
        lines=lines,
        sorts=clauses()["axis"]["sort"],
        phone=visits.phone(explained.dossier.msisdn),
        refusals=clauses()["phone"],
        query=urlencode(_query(explained)),
        file_query=_query(explained),
    )


@router.get("/dossiers/slip")
def show_slip(request: Request, visits: Visits, agency: str, code: str) -> HTMLResponse:
    """Show the slip for the citizen, which prints itself.

    The slip has the sentence about the dossier, its code and dates, and how to ask 9029 and what that costs. The slip
    does not name the citizen.
    """
    shown = _dossier_values(_explain_asked_dossier(agency, code, visits), visits)
    return render(request, "dossiers/slip.html", prints=True, fee=settings().inquiries_fee, **shown)


@router.get("/dossiers/file")
def download_axis(request: Request, visits: Visits, agency: str, code: str, format: FileFormat) -> Response:
    """Return what happened to the dossier as a file."""
    explained = _explain_asked_dossier(agency, code, visits)
    dossier = explained.dossier
    title = clauses()["axis"]["file"].format(code=dossier.dossier_code, agency=dossier.agency_name)
    lines = AXIS.of(axis_lines(explained, visits.phone, codes=visits.is_operator))
    about = [explained.sentence]
    return list_file(request, visits, lines, Asked(visits), format, about=about, as_of=dossier.read_at, title=title)


Numbers = Annotated[list[str], Query()]


@router.get("/dossiers/found")
def show_found(request: Request, visits: Visits, dossier: Numbers) -> HTMLResponse:
    """Show dossiers that a search found, in the order that the address asks for.

    The address gives the ledger's numbers of the dossiers, because no address may contain the text of the search.
    """
    with page_connection() as connection:
        return _list_page(connection, request, visits, _find_by_numbers(connection, visits, dossier), "found")


@router.get("/dossiers/found/file")
def download_found(request: Request, visits: Visits, format: FileFormat, dossier: Numbers) -> Response:
    """Return the dossiers that a search found as a file."""
    with page_connection() as connection:
        listing = DOSSIERS.of(_find_by_numbers(connection, visits, dossier))
        asked = asked_of(connection, request, visits, listing)
    return list_file(request, visits, listing, asked, format)


def _find_by_numbers(connection: Connection, visits: Visitor, written: list[str]) -> list[DossierFound]:
    numbers = [number for each in written[:MOST_FOUND] if (number := number_in(each)) is not None]
    return dossiers_by_number(connection, numbers, visits.listed)


@router.post("/dossiers/search")
def search(request: Request, visits: Visits, fields: Form) -> Response:
    """Redirect to the dossier whose code, end of code or phone number was typed. If there are several, list them."""
    must_be_own_form(request, fields)
    typed = _one_line(fields.get("q", ""))
    if not typed:
        return _search_page(request, "nothing_typed")
    with page_connection() as connection:
        coded = find_by_code(connection, typed, visits.listed)
        found = coded.dossiers or (() if coded.unusable else find_by_tail(connection, typed, visits.listed))
        # If the text may be a code or a phone number, search for it as a code first. Each search for a phone number is
        # stored, so avoid such searches.
        if found or not holds_phone(typed):
            return _one_or_several(connection, request, visits, found) or _nothing_found(request, coded, typed)
        return _search_by_phone(connection, request, visits, typed)


def _search_by_phone(connection: Connection, request: Request, visits: Visitor, typed: str) -> Response:
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "no_phone_search")
    who = visits.signature
    msisdn = read_phone(typed, None, "").e164
    found = [] if msisdn is None else dossiers_by_phone(connection, msisdn, visits.listed)
    log_phone_search(connection, who, visits.listed, len(found), datetime.now(UTC))
    said = "no_mobile" if msisdn is None else "none_of_phone"
    return _one_or_several(connection, request, visits, found, "of_phone") or _search_page(
        request, said, status=HTTPStatus.NOT_FOUND
    )


def _one_or_several(
    connection: Connection, request: Request, visits: Visitor, found: Sequence[DossierFound], said: str = "several"
) -> Response | None:
    """Redirect to the only dossier that was found, or list several. Return ``None`` if no dossier was found."""
    if len(found) == 1:
        return led_to(request, "/dossiers", {"agency": found[0].agency_code, "code": found[0].dossier_code})
    return _list_page(connection, request, visits, found, said) if found else None


def _one_line(typed: str) -> str:
    """Return the typed text as one line, cut to ``LONGEST`` characters."""
    return "".join(each if each.isprintable() else " " for each in typed[:LONGEST]).strip()


def _code_of(known: list[Agency], typed: str, visits: Visitor) -> str | None:
    if not typed:
        return None
    agency = find_agency(known, typed)
    visits.must_see(None if agency is None else agency.agency_code)
    if agency is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency")
    return agency.agency_code


def _explain(connection: Connection, found: DossierFound, visits: Visitor) -> ExplainedDossier:
    explained = explain_dossier(connection, found.dossier_id, visits.listed, datetime.now(UTC), visits.phone)
    if explained is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_dossier")
    return explained


def _explain_asked_dossier(agency: str, code: str, visits: Visitor) -> ExplainedDossier:
    typed = _one_line(code)
    with page_connection() as connection:
        agency_code = _code_of(list_agencies(connection), agency, visits)
        found = find_by_code(connection, typed, visits.listed, agency_code).dossiers
        if len(found) != 1:
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_dossier")
        return _explain(connection, found[0], visits)


def _query(explained: ExplainedDossier) -> dict[str, str]:
    return {"agency": explained.dossier.agency_code, "code": explained.dossier.dossier_code}


def _advice_if_denied(explained: ExplainedDossier) -> str:
    """Return what to do if the citizen denies having received a message, or an empty text if no gateway accepted
    one."""
    message, words = explained.answer.message, clauses()["denied"]
    if message is None or message.state not in TOLD:
        return ""
    ask = words["ask"].format(ends=explained.ends) if explained.ends else words["ask_number"]
    return f"{words['says']} {ask}, {words['then']}"


def _dossier_values(explained: ExplainedDossier, visits: Visitor) -> dict[str, Any]:
    message = explained.answer.message
    tone = "neutral" if message is None else "ok" if message.state in TOLD else "warn"
    return {
        "dossier": explained.dossier,
        "story": explained.story,
        "told": explained.sentence,
        "denied": _advice_if_denied(explained),
        "tone": tone,
        "message": message,
        "in_status": status_name(explained.story.status_code),
        "step": hide_phones(explained.story.step_name or ""),
        "applicant": "" if visits.is_auditor else hide_phones(explained.dossier.applicant_name or ""),
        "as_of": explained.dossier.read_at,
        "now": datetime.now(UTC),
        "w": wording,
        "due_moment": due_moment,
    }


def _search_page(request: Request, said: str, *, status: int = HTTPStatus.OK, **values: Any) -> HTMLResponse:  # noqa: ANN401
    return render(request, "dossiers/find.html", status=status, said=said, shown=None, w=wording, **values)


def _nothing_found(request: Request, found: CodeSearch, typed: str) -> HTMLResponse:
    """Show why no dossier was found: its rows cannot be used yet, the text is a name, or there is no such dossier."""
    reasons = dict.fromkeys(clauses()["axis"]["unusable_reason"][each.reason] for each in found.unusable)
    said = "unusable" if reasons else "name" if reads_as_name(typed) else "none"
    return _search_page(request, said, status=HTTPStatus.NOT_FOUND, typed=typed, reasons=list(reasons))


def _list_page(
    connection: Connection,
    request: Request,
    visits: Visitor,
    found: Sequence[DossierFound],
    said: str,
) -> HTMLResponse:
    """Show the list of dossiers that were found. Its links that change the order contain the dossiers' numbers."""
    listing = DOSSIERS.of(found)
    numbers = [("dossier", str(each.dossier_id)) for each in found]
    shown = shown_list(connection, request, visits, listing, here="/dossiers/found", query=numbers)
    return render(request, "dossiers/find.html", said=said, shown=shown, most=MOST_FOUND, w=wording)
