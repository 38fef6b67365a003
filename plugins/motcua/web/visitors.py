"""Determine who visits the staff pages and which agencies' rows the visitor may see.

Roles come from Airflow, whichever authentication is configured. A user who may change connections in Airflow is the
Department's operator. An agency's administrator and an auditor each have a permission that this software adds to
Airflow (``store.airflow_roles``). Every other signed-in user is a clerk. Administrators and clerks see the agencies
that were assigned to them (``motcua users``), and none before that. Nobody sees a whole phone number, and auditors see
no part of one.
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
    """The user behind a request, with checks that refuse what the user may not see or do."""

    @property
    def signature(self) -> str:
        """The name that is stored with everything that the visitor writes.

        Pages read this name before they write anything, so that nobody writes from a shared account.

        Raises:
            PageRefused: several people use this account.
        """
        try:
            return read_person(self.name)
        except NotAPerson:
            raise PageRefused(HTTPStatus.FORBIDDEN, "shared_account") from None

    def must_see(self, agency_code: str | None) -> None:
        """Refuse a page that belongs to an agency that the visitor may not see.

        Raises:
            PageRefused: the visitor may not see the agency. The answer is the same as for a missing agency, so that the
                answer discloses nothing about other agencies.
        """
        if not self.sees(agency_code):
            raise PageRefused(HTTPStatus.NOT_FOUND, "not_yours" if self.agencies is not None else "no_such_agency")

    def must_see_all(self) -> None:
        """Refuse a page that holds rows of all agencies.

        Raises:
            PageRefused: the visitor sees some agencies only.
        """
        if self.agencies is not None:
            raise PageRefused(HTTPStatus.FORBIDDEN, "of_all_agencies")

    def must_be_operator(self) -> None:
        """Refuse an action that only the Department may take.

        Raises:
            PageRefused: the visitor is not the Department's operator.
        """
        if not self.is_operator:
            raise PageRefused(HTTPStatus.FORBIDDEN, "department_only")


def visitor(request: Request, user: Annotated[Any, Depends(airflow_user)]) -> Visitor:  # noqa: ANN401 - see there
    """Return the visitor behind a request, and store the visitor in the request's state for the page's header.

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
"""The parameter type with which a page asks for its visitor."""

_AT_THE_COUNTER = ("", "dossiers", "complaints")
"""First parts of the addresses that a clerk may open."""


def counter_alone(request: Request, visits: Visits) -> None:
    """Refuse a clerk every page that is not for the counter.

    The app applies this check to each page, so that no page can forget it.

    Raises:
        PageRefused: the page is for administrators or for the Department.
    """
    below = request.url.path.removeprefix(request.scope.get("root_path", "")).strip("/")
    if visits.is_clerk and below.partition("/")[0] not in _AT_THE_COUNTER:
        raise PageRefused(HTTPStatus.FORBIDDEN, "not_at_the_counter")


def sources_seen(connection: Connection, visits: Visitor) -> list[str]:
    """Return the names of the sources whose data comes from files and that the visitor may see."""
    return [
        name
        for name, kind in settings().sources.items()
        if kind == ADAPTER and may_see_source(connection, visits, name)
    ]


def may_see_source(connection: Connection, visits: Visitor, source: str) -> bool:
    """Return whether a visitor may see the files of a source. The visitor must see every agency in its files."""
    if visits.agencies is None:
        return True
    told_of = agencies_told_of(connection, source)
    return bool(told_of) and told_of <= visits.agencies


def must_see_source(connection: Connection, visits: Visitor, source: str) -> None:
    """Refuse a page about the files of a source that the visitor may not see.

    Raises:
        PageRefused: the source's files also hold dossiers of other agencies, or no source of this name is filled by
            files.
    """
    is_one = settings().sources.get(source) == ADAPTER
    if not (is_one and may_see_source(connection, visits, source)):
        visits.must_see_all()
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
