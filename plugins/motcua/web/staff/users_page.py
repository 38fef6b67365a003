"""The page *Người dùng*: which agencies' rows a user of Airflow sees, and who gave them to him.

The Department's alone. A change is asked for, told with its effect, and done by a second form; it is kept with who and
when, and counts from the user's next page on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from motcua.jobs.user_agencies import LONGEST_NAME, Grant, GrantRefused, give, read_grant, take
from motcua.reports import wording
from motcua.reports.lists.files import MOST_ROWS, Row
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import page_connection
from motcua.store.people import (
    AgencyOfUser,
    agencies_of_user,
    list_agencies_of_users,
    list_agency_of_user_changes,
)
from motcua.web.forms import is_own_form, sent_form
from motcua.web.lists.files import FileFormat, at_most, list_file
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render
from motcua.web.visitors import Visits

_SHOWN = 100
"""Changes of the history."""
_CHANGES = {"give": give, "take": take}
_SAID = ("given", "taken", "given_before", "not_given")

router = APIRouter()


@router.get("/users")
def show_users(request: Request, visits: Visits, said: str = "") -> HTMLResponse:
    """Users with agencies, by name, and the last changes."""
    visits.must_be_operator()
    return _page(request, said if said in _SAID else "")


@router.get("/users/file")
def download_users(visits: Visits, format: FileFormat, of: Literal["grants", "changes"]) -> Response:
    """What users have, or what was changed of it, the newest first."""
    visits.must_be_operator()
    rows: list[Row]
    with page_connection() as connection:
        if of == "grants":
            columns = ["user_name", "agency_code", "agency", "since", "given_by"]
            rows = [
                [each.user_name, each.agency_code, each.agency_name, each.since, each.given_by]
                for each in list_agencies_of_users(connection)
            ]
        else:
            names = {each.agency_code: each.name for each in list_agencies(connection)}
            changes = wording.list_words()["grant_change"]
            columns = ["at", "user_name", "agency_code", "agency", "change", "changed_by"]
            rows = [
                [
                    each.changed_at,
                    each.user_name,
                    each.agency_code,
                    names.get(each.agency_code),
                    changes[each.change],
                    each.changed_by,
                ]
                for each in list_agency_of_user_changes(connection, MOST_ROWS + 1)
            ]
    name = "grants" if of == "grants" else "grant_changes"
    return list_file(format, name, [], columns, at_most(rows), as_of=datetime.now(UTC))


@router.post("/users")
def change_users(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Tells what a change would do; does it where that was confirmed."""
    visits.must_be_operator()
    who = visits.signature
    if not is_own_form(request, fields):
        return _page(request, "old_form", status=HTTPStatus.FORBIDDEN)
    decision = fields.get("decision", "")
    if decision not in _CHANGES:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    try:
        with page_connection() as connection:
            grant = read_grant(connection, fields.get("user", ""), fields.get("agency", ""))
            if fields.get("sure", "") != "yes":
                before = agencies_of_user(connection, grant.user_name)
                return _confirmation(request, decision, grant, sorted(before - {grant.agency.agency_code}))
            changed = _CHANGES[decision](connection, grant, who, datetime.now(UTC))
    except GrantRefused as refused:
        return _page(request, refused.refusal, tried=fields, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    said = ("given" if changed else "given_before") if decision == "give" else "taken" if changed else "not_given"
    base = request.scope.get("root_path", "")
    return RedirectResponse(f"{base}/users?said={said}", HTTPStatus.SEE_OTHER, HEADERS)


def _confirmation(request: Request, decision: str, grant: Grant, others: Sequence[str]) -> HTMLResponse:
    return render(request, "users/users_ask.html", decision=decision, grant=grant, others=others)


def _page(
    request: Request, said: str, *, tried: dict[str, str] | None = None, status: int = HTTPStatus.OK
) -> HTMLResponse:
    with page_connection() as connection:
        rows = list_agencies_of_users(connection)
        changes = list_agency_of_user_changes(connection, _SHOWN)
        agencies = list_agencies(connection)
    return render(
        request,
        "users/users.html",
        status=status,
        users=_by_user(rows),
        changes=changes,
        agencies=agencies,
        names={each.agency_code: each.name for each in agencies},
        said=said,
        tried=tried or {},
        longest=LONGEST_NAME,
        shown=_SHOWN,
        change_words=wording.list_words()["grant_change"],
        w=wording,
    )


def _by_user(rows: Sequence[AgencyOfUser]) -> list[tuple[str, list[AgencyOfUser]]]:
    return [(name, list(its)) for name, its in groupby(rows, key=lambda row: row.user_name)]
