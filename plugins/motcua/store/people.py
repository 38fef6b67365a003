"""Store which agencies' rows each user of the pages may see, who granted this, and who searched by phone number."""

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
    """A user of Airflow and one agency whose rows the user may see."""

    user_name: str
    agency_code: str
    agency_name: str
    since: datetime
    given_by: str


@dataclass(frozen=True, slots=True)
class AgencyOfUserChange:
    """One change of a user's agencies: an agency was given or taken away."""

    changed_at: datetime
    changed_by: str
    user_name: str
    agency_code: str
    change: GrantChange


def agencies_of_user(connection: Connection, user_name: str) -> frozenset[str]:
    """Return the codes of the agencies whose rows a user may see. The set is empty if the user has no agency."""
    rows = connection.execute(statement("people/agencies_of_user"), {"user_name": user_name})
    return frozenset(row["agency_code"] for row in rows)


def list_agencies_of_users(connection: Connection) -> list[AgencyOfUser]:
    """Return every pair of a user and an agency whose rows the user may see, ordered by user."""
    return values_of(AgencyOfUser, connection.execute(statement("people/list")))


def list_agency_of_user_changes(connection: Connection, limit: int) -> list[AgencyOfUserChange]:
    """Return the last changes of users' agencies, the newest first (from ``motcua.user_agency_changes``)."""
    return values_of(AgencyOfUserChange, connection.execute(statement("people/changes"), {"limit": limit}))


def give_agency(connection: Connection, user_name: str, agency_code: str, changed_by: str, now: datetime) -> bool:
    """Let a user see an agency's rows, and log this in ``motcua.user_agency_changes``.

    Return ``False`` if the user could already see the rows.

    Raises:
        psycopg.errors.ForeignKeyViolation: there is no such agency.
    """
    values = {"user_name": user_name, "agency_code": agency_code, "changed_by": changed_by, "now": now}
    return connection.execute(statement("people/give"), values).fetchone() is not None


def take_agency(connection: Connection, user_name: str, agency_code: str, changed_by: str, now: datetime) -> bool:
    """Stop a user from seeing an agency's rows, and log this in ``motcua.user_agency_changes``.

    Return ``False`` if the user could not see the rows before.
    """
    values = {"user_name": user_name, "agency_code": agency_code, "changed_by": changed_by, "now": now}
    return connection.execute(statement("people/take"), values).fetchone() is not None


def log_phone_search(
    connection: Connection, searched_by: str, agencies: Sequence[str] | None, found: int, now: datetime
) -> None:
    """Record in ``motcua.phone_searches`` that a user searched by a phone number, or exported full phone numbers.

    ``found`` is the number of dossiers found or of rows exported. ``agencies`` are the agencies whose dossiers were
    searched. ``None`` stands for all agencies.
    """
    values = {
        "searched_by": searched_by,
        "agencies": None if agencies is None else list(agencies),
        "found": found,
        "now": now,
    }
    connection.execute(statement("people/log_phone_search"), values)
