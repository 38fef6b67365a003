"""The page *Người dùng*: who may sign in, since when and in which role, which agencies each user sees, and who assigned
them.

Only the Department (Sở TT&TT) sees this page. A first form shows the effect of a change, and a second form makes the
change. The ledger stores who made the change and when. The change takes effect on the next page that the user opens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.jobs.listing.agencies import GRANT_CHANGES, GRANTS
from motcua.jobs.listing.reading import Listing
from motcua.jobs.user_agencies import LONGEST_NAME, GrantRefused, read_grant
from motcua.reports import wording
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.people import agencies_of_user, give_agency, list_agencies_of_users, take_agency
from motcua.web.airflow import Account, account_finder
from motcua.web.forms import PageRefused, must_be_own_form, sent_form
from motcua.web.lists import FileFormat, file_of, shown_list
from motcua.web.rendering import led_to, render
from motcua.web.visitors import Visitor, Visits

_LISTS = {"grants": GRANTS, "changes": GRANT_CHANGES}
_CHANGES = {"give": give_agency, "take": take_agency}
_SAID = ("given", "taken", "given_before", "not_given")

router = APIRouter()


Accounts = Annotated[Callable[[], list[Account] | None], Depends(account_finder)]


@router.get("/users")
def show_users(request: Request, visits: Visits, accounts: Accounts, said: str = "") -> HTMLResponse:
    """Show the accounts that may sign in, the users with their agencies, ordered by name, and the last changes."""
    visits.must_be_operator()
    return _page(request, visits, accounts, said if said in _SAID else "")


@router.get("/users/file")
def download_users(
    request: Request,
    visits: Visits,
    accounts: Accounts,
    format: FileFormat,
    of: Literal["accounts", "grants", "changes"],
) -> Response:
    """Return a file of the accounts, of the users' agencies, or of the changes of users' agencies, the newest first."""
    visits.must_be_operator()
    if of == "accounts":
        with page_connection() as connection:
            listing = _accounts_list(connection, accounts() or ())
        return file_of(request, visits, listing, format, about=[])
    return file_of(request, visits, _LISTS[of], format)


@router.post("/users")
def change_users(
    request: Request, visits: Visits, accounts: Accounts, fields: Annotated[dict[str, str], Depends(sent_form)]
) -> Response:
    """Show what a change would do, and make it once it is confirmed."""
    visits.must_be_operator()
    who = visits.signature
    must_be_own_form(request, fields)
    decision = fields.get("decision", "")
    if decision not in _CHANGES:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    try:
        with page_connection() as connection:
            grant = read_grant(connection, fields.get("user", ""), fields.get("agency", ""))
            if fields.get("sure", "") != "yes":
                others = sorted(agencies_of_user(connection, grant.user_name) - {grant.agency.agency_code})
                return render(request, "users/users_ask.html", decision=decision, grant=grant, others=others)
            change = _CHANGES[decision]
            changed = change(connection, grant.user_name, grant.agency.agency_code, who, datetime.now(UTC))
    except GrantRefused as refused:
        return _page(request, visits, accounts, refused.refusal, tried=fields, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    said = ("given" if changed else "given_before") if decision == "give" else "taken" if changed else "not_given"
    return led_to(request, "/users", {"said": said})


def _accounts_list(connection: Connection, accounts: Sequence[Account]) -> Listing:
    """Return the list of accounts, each with the agencies that were assigned to it."""
    given: dict[str, list[str]] = {}
    for each in list_agencies_of_users(connection):
        given.setdefault(each.user_name, []).append(each.agency_name)
    return Listing("accounts").of(accounts, agencies=lambda row, seen: ", ".join(given.get(row.user_name, ())) or None)


def _page(
    request: Request,
    visits: Visitor,
    accounts: Callable[[], list[Account] | None],
    said: str,
    *,
    tried: dict[str, str] | None = None,
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    known = accounts()
    with page_connection() as connection:
        may_sign_in = shown_list(
            connection,
            request,
            visits,
            _accounts_list(connection, known or ()),
            prefix="accounts_",
            file="/users/file",
            here="/users",
        )
        grants = shown_list(connection, request, visits, GRANTS, file="/users/file", here="/users")
        changes = shown_list(
            connection,
            request,
            visits,
            GRANT_CHANGES,
            prefix="changes_",
            file="/users/file",
            of="changes",
            here="/users",
        )
        agencies = list_agencies(connection)
    return render(
        request,
        "users/users.html",
        status=status,
        accounts=may_sign_in if known is not None else None,
        grants=grants,
        changes=changes,
        agencies=agencies,
        said=said,
        tried=tried or {},
        longest=LONGEST_NAME,
        w=wording,
    )
