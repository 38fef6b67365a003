"""The page *Hồ sơ*: what a citizen was told of a dossier, or why not; for whoever is asked at the counter.

Found by its code, in any spelling that 9029 reads, by the last signs of one, or by a phone number. What is typed is
sent as a form and stands in no address: a number is shown to nobody again, and who looked for one is kept. Auditors
look for none, and nobody finds by a name.
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
"""Characters of what is typed that are looked at."""

router = APIRouter()
Form = Annotated[dict[str, str], Depends(sent_form)]


@router.get("/dossiers")
def show_dossier(request: Request, visits: Visits, agency: str = "", code: str = "") -> Response:
    """A dossier; several that the code may mean; or, without a code, where to look for one."""
    typed = _clean(code)
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
            return _none(request, found, typed)
        explained = _explained(connection, found.dossiers[0], visits)
    lines = axis_lines(explained, visits.phone, codes=visits.is_operator)
    return render(
        request,
        "dossiers/dossier.html",
        **_shown(explained, visits),
        lines=lines,
        sorts=clauses()["axis"]["sort"],
        phone=visits.phone(explained.dossier.msisdn),
        refusals=clauses()["phone"],
        query=urlencode(_query(explained)),
        file_query=_query(explained),
    )


@router.get("/dossiers/slip")
def show_slip(request: Request, visits: Visits, agency: str, code: str) -> HTMLResponse:
    """What the citizen is given on paper, which prints itself: the sentence, code and dates, how to ask 9029 and what
    that costs; no name."""
    shown = _shown(_asked_for(agency, code, visits), visits)
    return render(request, "dossiers/slip.html", prints=True, fee=settings().inquiries_fee, **shown)


@router.get("/dossiers/file")
def download_axis(request: Request, visits: Visits, agency: str, code: str, format: FileFormat) -> Response:
    """What happened to the dossier."""
    explained = _asked_for(agency, code, visits)
    dossier = explained.dossier
    title = clauses()["axis"]["file"].format(code=dossier.dossier_code, agency=dossier.agency_name)
    lines = AXIS.of(axis_lines(explained, visits.phone, codes=visits.is_operator))
    about = [explained.sentence]
    return list_file(request, visits, lines, Asked(visits), format, about=about, as_of=dossier.read_at, title=title)


Numbers = Annotated[list[str], Query()]


@router.get("/dossiers/found")
def show_found(request: Request, visits: Visits, dossier: Numbers) -> HTMLResponse:
    """Dossiers that a search found, in another order: by their numbers, for what was typed stands in no address."""
    with page_connection() as connection:
        return _list_page(connection, request, visits, _found(connection, visits, dossier), "found")


@router.get("/dossiers/found/file")
def download_found(request: Request, visits: Visits, format: FileFormat, dossier: Numbers) -> Response:
    """The same dossiers as a file."""
    with page_connection() as connection:
        listing = DOSSIERS.of(_found(connection, visits, dossier))
        asked = asked_of(connection, request, visits, listing)
    return list_file(request, visits, listing, asked, format)


def _found(connection: Connection, visits: Visitor, written: list[str]) -> list[DossierFound]:
    numbers = [number for each in written[:MOST_FOUND] if (number := number_in(each)) is not None]
    return dossiers_by_number(connection, numbers, visits.listed)


@router.post("/dossiers/search")
def search(request: Request, visits: Visits, fields: Form) -> Response:
    """Leads to the dossier whose code, its tail or phone number was typed; of several shows a list."""
    must_be_own_form(request, fields)
    typed = _clean(fields.get("q", ""))
    if not typed:
        return _search_page(request, "nothing_typed")
    with page_connection() as connection:
        coded = find_by_code(connection, typed, visits.listed)
        found = coded.dossiers or (() if coded.unusable else find_by_tail(connection, typed, visits.listed))
        # What is both a code and a number is a code: nobody's number is looked for without need.
        if found or not holds_phone(typed):
            return _one_or_several(connection, request, visits, found) or _none(request, coded, typed)
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
    """Leads to the one dossier that was found, or lists several; ``None``: none was."""
    if len(found) == 1:
        return led_to(request, "/dossiers", {"agency": found[0].agency_code, "code": found[0].dossier_code})
    return _list_page(connection, request, visits, found, said) if found else None


def _clean(typed: str) -> str:
    """What was typed as one line, no longer than anything that there is."""
    return "".join(each if each.isprintable() else " " for each in typed[:LONGEST]).strip()


def _code_of(known: list[Agency], typed: str, visits: Visitor) -> str | None:
    if not typed:
        return None
    agency = find_agency(known, typed)
    visits.must_see(None if agency is None else agency.agency_code)
    if agency is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency")
    return agency.agency_code


def _explained(connection: Connection, found: DossierFound, visits: Visitor) -> ExplainedDossier:
    explained = explain_dossier(connection, found.dossier_id, visits.listed, datetime.now(UTC), visits.phone)
    if explained is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_dossier")
    return explained


def _asked_for(agency: str, code: str, visits: Visitor) -> ExplainedDossier:
    typed = _clean(code)
    with page_connection() as connection:
        agency_code = _code_of(list_agencies(connection), agency, visits)
        found = find_by_code(connection, typed, visits.listed, agency_code).dossiers
        if len(found) != 1:
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_dossier")
        return _explained(connection, found[0], visits)


def _query(explained: ExplainedDossier) -> dict[str, str]:
    return {"agency": explained.dossier.agency_code, "code": explained.dossier.dossier_code}


def _once_denied(explained: ExplainedDossier) -> str:
    """What to do when the citizen says that nothing came; empty: nobody says that anything did."""
    message, words = explained.answer.message, clauses()["denied"]
    if message is None or message.state not in TOLD:
        return ""
    ask = words["ask"].format(ends=explained.ends) if explained.ends else words["ask_number"]
    return f"{words['says']} {ask}, {words['then']}"


def _shown(explained: ExplainedDossier, visits: Visitor) -> dict[str, Any]:
    message = explained.answer.message
    tone = "neutral" if message is None else "ok" if message.state in TOLD else "warn"
    return {
        "dossier": explained.dossier,
        "story": explained.story,
        "told": explained.sentence,
        "denied": _once_denied(explained),
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


def _none(request: Request, found: CodeSearch, typed: str) -> HTMLResponse:
    """No dossier is meant: its rows cannot be used yet, it is no code but a name, or there is none."""
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
    """The dossiers that were found; another order of them is asked for by their numbers."""
    listing = DOSSIERS.of(found)
    numbers = [("dossier", str(each.dossier_id)) for each in found]
    shown = shown_list(connection, request, visits, listing, here="/dossiers/found", query=numbers)
    return render(request, "dossiers/find.html", said=said, shown=shown, most=MOST_FOUND, w=wording)
