"""People who work with the pages: whose rows they see, who gave them that, and whom they looked for by a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import values_of

GrantChange: TypeAlias = Literal["given", "taken"]


@dataclass(frozen=True, slots=True)
class AgencyOfUser:
    """A user of Airflow who sees an agency's rows."""

    user_name: str
    agency_code: str
    agency_name: str
    since: datetime
    given_by: str


@dataclass(frozen=True, slots=True)
class AgencyOfUserChange:
    """A user was given an agency, or it was taken."""

    changed_at: datetime
    changed_by: str
    user_name: str
    agency_code: str
    change: GrantChange


def agencies_of_user(connection: Connection, user_name: str) -> frozenset[str]:
    """The agencies that a user was given; empty: none."""
    rows = connection.execute(statement("people/agencies_of_user"), {"user_name": user_name})
    return frozenset(row["agency_code"] for row in rows)


def list_agencies_of_users(connection: Connection) -> list[AgencyOfUser]:
    """All users with agencies, by name."""
    return values_of(AgencyOfUser, connection.execute(statement("people/list")))


def list_agency_of_user_changes(connection: Connection, limit: int) -> list[AgencyOfUserChange]:
    """The last changes, the newest first."""
    return values_of(AgencyOfUserChange, connection.execute(statement("people/changes"), {"limit": limit}))


def give_agency(connection: Connection, user_name: str, agency_code: str, changed_by: str, now: datetime) -> bool:
    """Lets a user see an agency's rows; ``False``: he did already.

    Raises:
        psycopg.errors.ForeignKeyViolation: there is no such agency.
    """
    values = {"user_name": user_name, "agency_code": agency_code, "changed_by": changed_by, "now": now}
    return connection.execute(statement("people/give"), values).fetchone() is not None


def take_agency(connection: Connection, user_name: str, agency_code: str, changed_by: str, now: datetime) -> bool:
    """Lets a user see an agency's rows no longer; ``False``: he did not."""
    values = {"user_name": user_name, "agency_code": agency_code, "changed_by": changed_by, "now": now}
    return connection.execute(statement("people/take"), values).fetchone() is not None


def log_phone_search(
    connection: Connection, searched_by: str, agencies: Sequence[str] | None, found: int, now: datetime
) -> None:
    """Keeps that somebody looked for dossiers by a number, among whose (``None``: all), and how many were found."""
    values = {
        "searched_by": searched_by,
        "agencies": None if agencies is None else list(agencies),
        "found": found,
        "now": now,
    }
    connection.execute(statement("people/log_phone_search"), values)
