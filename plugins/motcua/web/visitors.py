"""Who visits the staff pages, and whose rows he may see.

Roles are Airflow's own, whichever authentication is configured: who may change connections there is the Department's
operator, an agency's administrator and an auditor may read a view of ours (``store.airflow_roles``), and whoever else
is signed in is a clerk. An agency's people see the agencies that they were given (``motcua users``), none before;
nobody sees a whole phone number, auditors nothing of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request

from motcua.domain.people import NotAPerson, Viewer, read_person
from motcua.jobs.exports.taking import ADAPTER
from motcua.settings import settings
from motcua.store.intake.exports import agencies_told_of
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.people import agencies_of_user
from motcua.web.airflow import airflow_user, role_of
from motcua.web.forms import PageRefused


@dataclass(frozen=True, slots=True)
class Visitor(Viewer):
    """Whoever asks for a page; what he may not see he is refused."""

    @property
    def signature(self) -> str:
        """The name with which he signs what he writes; asked for before anything is written.

        Raises:
            PageRefused: it is an account that several people use.
        """
        try:
            return read_person(self.name)
        except NotAPerson:
            raise PageRefused(HTTPStatus.FORBIDDEN, "shared_account") from None

    def must_see(self, agency_code: str | None) -> None:
        """Refuses what is another agency's.

        Raises:
            PageRefused: he may not see it; said as if it were not there, so that nobody learns what others have.
        """
        if not self.sees(agency_code):
            raise PageRefused(HTTPStatus.NOT_FOUND, "not_yours" if self.agencies is not None else "no_such_agency")

    def must_see_all(self) -> None:
        """Refuses what holds rows of all agencies.

        Raises:
            PageRefused: he sees some agencies' alone.
        """
        if self.agencies is not None:
            raise PageRefused(HTTPStatus.FORBIDDEN, "of_all_agencies")

    def must_be_operator(self) -> None:
        """Refuses what only the Department may do.

        Raises:
            PageRefused: he does not act for it.
        """
        if not self.is_operator:
            raise PageRefused(HTTPStatus.FORBIDDEN, "department_only")


def visitor(request: Request, user: Annotated[Any, Depends(airflow_user)]) -> Visitor:  # noqa: ANN401 - see there
    """The visitor behind a request, also left with it for the page's header.

    Raises:
        NotSignedIn: nobody is signed in.
    """
    name, role = user.get_name(), role_of(user)
    if role in ("agency", "clerk"):
        with page_connection() as connection:
            found = Visitor(name, role, agencies_of_user(connection, name))
    else:
        found = Visitor(name, role, None)
    request.state.visitor = found
    return found


Visits = Annotated[Visitor, Depends(visitor)]
"""How a page asks who visits it."""

_AT_THE_COUNTER = ("", "dossiers", "complaints")
"""First parts of the addresses that a clerk is led to."""


def counter_alone(request: Request, visits: Visits) -> None:
    """Refuses a clerk what is not for the counter; each page asks it, so that none can forget.

    Raises:
        PageRefused: it is an administrator's, or the Department's.
    """
    below = request.url.path.removeprefix(request.scope.get("root_path", "")).strip("/")
    if visits.is_clerk and below.partition("/")[0] not in _AT_THE_COUNTER:
        raise PageRefused(HTTPStatus.FORBIDDEN, "not_at_the_counter")


def sources_seen(connection: Connection, visits: Visitor) -> list[str]:
    """Sources that are told of by files, as far as a visitor may see them."""
    return [
        name
        for name, kind in settings().sources.items()
        if kind == ADAPTER and may_see_source(connection, visits, name)
    ]


def may_see_source(connection: Connection, visits: Visitor, source: str) -> bool:
    """Whether a visitor may see what files tell of a source."""
    if visits.agencies is None:
        return True
    told_of = agencies_told_of(connection, source)
    return bool(told_of) and told_of <= visits.agencies


def must_see_source(connection: Connection, visits: Visitor, source: str) -> None:
    """Refuses what files of other agencies, too, may tell.

    Raises:
        PageRefused: it is a source of others too, or there is none that files tell of.
    """
    is_one = settings().sources.get(source) == ADAPTER
    if not (is_one and may_see_source(connection, visits, source)):
        visits.must_see_all()
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
