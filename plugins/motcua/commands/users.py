"""Commands ``motcua users``: roles of the staff pages in Airflow, and the agencies whose rows a user sees there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from motcua.commands.lists import Most, Search, Sort, To, print_list
from motcua.commands.terminal import By, refuse, say, signed
from motcua.jobs.listing.agencies import GRANT_CHANGES, GRANTS
from motcua.jobs.user_agencies import LONGEST_NAME, Grant, GrantRefusal, GrantRefused, read_grant
from motcua.settings import settings
from motcua.store.airflow_roles import FAB, ROLES, SIMPLE, AccountTaken, NotFab, prepare_roles
from motcua.store.ledger.database import Connection, connect
from motcua.store.people import give_agency, take_agency

app = typer.Typer(
    help="Users of the staff pages: roles in Airflow, and the agencies whose rows each user sees.", no_args_is_help=True
)
_REFUSED: dict[GrantRefusal, str] = {
    "no_user": "The user's name is empty. Give the name that Airflow has.",
    "long_user": f"A user's name has at most {LONGEST_NAME} letters.",
    "unknown_agency": "There is no such agency. See motcua agencies list.",
}

_User = Annotated[str, typer.Argument(help="As Airflow names the user, in upper and lower case.")]
_Agency = Annotated[str, typer.Argument(help="The agency's code, or an alias.")]


@app.command("list")
def list_all(
    history: Annotated[
        bool, typer.Option("--history", help="List who was given or lost which agency, the newest first.")
    ] = False,
    search: Search = "",
    sort: Sort = "",
    most: Most = 200,
    to: To = None,
) -> None:
    """List users with their agencies and who assigned them. Other users see no rows, except the Department and
    auditors."""
    if history:
        print_list(GRANT_CHANGES, {"q": search, "sort": sort}, most=most, to=to)
    else:
        empty = "No user was given an agency. Give one with motcua users give USER AGENCY."
        print_list(GRANTS, {"q": search, "sort": sort}, most=most, to=to, empty=empty)


@app.command("roles")
def roles() -> None:
    """Create or correct in Airflow the pages' roles and the account of motcua watch. Safe to repeat."""
    name, secret = settings().watch_airflow_user, settings().watch_airflow_password
    watch = (name, secret.get_secret_value()) if name and secret is not None else None
    try:
        prepare_roles(watch)
    except NotFab as other:
        if str(other) == SIMPLE:
            raise refuse(
                "SimpleAuthManager has accounts that several people use and keeps passwords in plain text: set"
                f" AIRFLOW_AUTH_MANAGER={FAB} in .env."
            ) from None
        say(f"{other} has its own roles. Nothing was changed.")
        return
    except AccountTaken as taken:
        raise refuse(
            f"{taken} is a person's account. Give the watch another name with MOTCUA_WATCH_AIRFLOW_USER."
        ) from None
    say(f"Roles {', '.join(ROLES)} are as they should be.")
    say(
        f"The watch signs in as {watch[0]}."
        if watch
        else "The watch has no account: set MOTCUA_WATCH_AIRFLOW_USER and its password."
    )


@app.command()
def give(user: _User, agency: _Agency, by: By = None) -> None:
    """Let a user see an agency's rows, and decide for the agency if the user's role permits. Your name is stored."""
    grant, new = _change_grant(give_agency, user, agency, by)
    say(f"{grant.user_name} {'now sees' if new else 'already saw'} the rows of {_agency_text(grant)}.")


@app.command()
def take(user: _User, agency: _Agency, by: By = None) -> None:
    """Stop showing an agency's rows to a user, from the user's next page on. Your name is stored."""
    grant, had = _change_grant(take_agency, user, agency, by)
    if not had:
        raise refuse(f"{grant.user_name} was not given {grant.agency.agency_code}. See motcua users list.")
    say(f"{grant.user_name} no longer sees the rows of {_agency_text(grant)}.")


def _agency_text(grant: Grant) -> str:
    """Return the agency of a grant as text."""
    return f"{grant.agency.agency_code}, {grant.agency.name}"


def _change_grant(
    change: Callable[[Connection, str, str, str, datetime], bool], user: str, agency: str, by: str | None
) -> tuple[Grant, bool]:
    """Give or withdraw the right to see an agency's rows. Return the grant, and whether anything changed."""
    who = signed(by)
    try:
        with connect() as connection:
            grant = read_grant(connection, user, agency)
            return grant, change(connection, grant.user_name, grant.agency.agency_code, who, datetime.now(UTC))
    except GrantRefused as refused:
        raise refuse(_REFUSED[refused.refusal]) from None
