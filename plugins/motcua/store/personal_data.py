"""Personal data: emptied through one function of the ledger, by a login that may do nothing else; held of a citizen.

What is held is found by a dossier or by a phone number; who asked for it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from psycopg.types.json import Jsonb

from motcua.domain.personal_data import ByCode, CitizenDossier, CodeAlone, Held
from motcua.store.ledger.database import Connection, connect
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of, values_of

PURGE = "motcua_db_purge"
"""Airflow connection of the login that may empty personal data; no other one serves where it is not set."""

Kind: TypeAlias = Literal[
    "dossiers", "inquiries", "receipts", "quarantine", "complaints", "pushed_dossiers", "pushed_steps"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Cause: TypeAlias = Literal["term", "request", "restore"]


class PurgeNotProvided(Exception):
    """Nobody may empty personal data here yet; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a batch is to empty."""

    kind: Kind
    cause: Cause
    by: str
    """The run, or who does it."""
    after: int = 0
    """Our number of the row after which to look."""
    at_most: int = 1000
    """Rows looked at."""
    reason: str | None = None
    """Of a request: the paper that it stands in."""
    only_these: Sequence[Sequence[str]] | None = None
    """Dossiers by agency and code, others by our number: inquiries with their gateway, rows in quarantine with their
    source, complaints with their agency."""
    listed_at: datetime | None = None
    """When they had been emptied, after a restore."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call emptied."""

    looked_until: int | None
    """``None``: there is nothing more to look at."""
    emptied: int
    """Rows, of all tables."""
    listed: Sequence[Sequence[str]]
    """Dossiers, and what else was asked for, as an order names them."""


@dataclass(frozen=True, slots=True)
class Purge:
    """Rows of one table that were emptied at once."""

    purged_at: datetime
    cause: Cause
    of_table: str
    emptied: int
    purged_by: str
    reason: str | None


@contextmanager
def purge_connection() -> Iterator[Connection]:
    """A connection of the login that may empty personal data; closed at the end.

    Raises:
        PurgeNotProvided: there is no such connection, or it may not.
        psycopg.OperationalError: the ledger does not answer.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException

    with ExitStack() as stack:
        try:
            connection = stack.enter_context(connect(PURGE))
        except AirflowNotFoundException:
            raise PurgeNotProvided(
                f"personal data cannot be emptied: there is no connection {PURGE}; set MOTCUA_PURGE_PASSWORD, run "
                "motcua provision and motcua migrate, and set AIRFLOW_CONN_MOTCUA_DB_PURGE"
            ) from None
        may = connection.execute(statement("personal_data/may_purge")).fetchone()
        connection.commit()
        if not (may and may["may_purge"]):
            raise PurgeNotProvided(
                f"personal data cannot be emptied: {PURGE} may not call the ledger's function, or that belongs to no "
                "role of its own; run motcua provision (with MOTCUA_PURGE_PASSWORD) and motcua migrate"
            )
        yield connection


def wait_for_emptying(connection: Connection) -> None:
    """Waits until nobody else empties personal data, from the listing of a batch outside the ledger to the end of its
    transaction, and keeps others waiting for the rest of this one."""
    connection.execute(statement("personal_data/wait"))


def purge_batch(connection: Connection, order: Order, reference: str) -> Batch:
    """Empties one batch, in the transaction that is under way, under the reference that the list has it by."""
    values: dict[str, Any] = asdict(order) | {"reference": reference}
    if order.only_these is not None:
        values["only_these"] = Jsonb([list(each) for each in order.only_these])
    (row,) = connection.execute(statement("personal_data/purge"), values).fetchall()
    return value_of(Batch, row)


def known_references(connection: Connection, references: Sequence[str]) -> set[str]:
    """Which of these batches the ledger knows of."""
    rows = connection.execute(statement("personal_data/known_references"), {"wanted": list(references)})
    return {row["reference"] for row in rows}


def tidy_after_purge(connection: Connection) -> None:
    """Has PostgreSQL sample the emptied columns anew; a connection of the app's."""
    connection.execute(statement("personal_data/tidy"))


def list_purges(connection: Connection, limit: int) -> list[Purge]:
    """What was emptied of late, the newest first."""
    return values_of(Purge, connection.execute(statement("personal_data/list"), {"limit": limit}))


Act: TypeAlias = Literal["export", "erase"]


@dataclass(frozen=True, slots=True)
class OwnInquiry:
    """A text to 9029."""

    gateway: str
    inquiry_id: int
    is_under_way: bool
    """Its reply may still go, or has no known end."""


@dataclass(frozen=True, slots=True)
class RowOfCode:
    """A row in quarantine, or a complaint that is tied to no dossier."""

    kind: Literal["quarantine", "complaints"]
    of_whom: str
    """Its source's number; a complaint's agency."""
    row_no: int
    is_under_way: bool
    """A complaint that is open, or like one that is."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is kept of a request: no number, no value."""

    handled_by: str
    act: Act
    reason: str
    """The paper that it stands in."""
    agency_code: str | None
    """``None``, as the code: it was asked by a number."""
    dossier_code: str | None
    """A mark instead of what may be a name or a number."""


@dataclass(frozen=True, slots=True)
class HandledRequest(Request):
    """A request as it is kept."""

    handled_at: datetime
    dossiers: int
    """How many it reached."""
    held: int
    """Values that were held then."""


def list_requests(connection: Connection, limit: int) -> list[HandledRequest]:
    """Requests that were handled, the newest first."""
    return values_of(HandledRequest, connection.execute(statement("personal_data/requests"), {"limit": limit}))


def dossier_asked_for(connection: Connection, agency_code: str, dossier_code: str) -> list[CitizenDossier]:
    """The dossier of this agency with this code; empty: there is none."""
    return _dossiers(connection, agency_code, dossier_code, None)


def dossiers_of_number(connection: Connection, msisdn: str) -> list[CitizenDossier]:
    """All dossiers whose own number, E.164, is this one."""
    return _dossiers(connection, None, None, msisdn)


def _dossiers(
    connection: Connection, agency_code: str | None, dossier_code: str | None, msisdn: str | None
) -> list[CitizenDossier]:
    values = {"agency_code": agency_code, "dossier_code": dossier_code, "msisdn": msisdn}
    return values_of(CitizenDossier, connection.execute(statement("personal_data/dossiers_of_citizen"), values))


def inquiries_of_number(connection: Connection, msisdn: str) -> list[OwnInquiry]:
    """Texts to 9029 that came from a number, E.164."""
    return values_of(OwnInquiry, connection.execute(statement("personal_data/inquiries_of_number"), {"msisdn": msisdn}))


def code_alone(connection: Connection, asked_for: ByCode) -> tuple[CodeAlone, list[str]]:
    """A code that no dossier of its agency has, and the codes of its dossiers that are read as this one."""
    (row,) = connection.execute(statement("personal_data/code_alone"), asdict(asked_for)).fetchall()
    alike = row.pop("alike")
    return value_of(CodeAlone, row), alike


def rows_of_codes(connection: Connection, codes: Sequence[tuple[str, str]]) -> list[RowOfCode]:
    """Rows of these agencies and codes that go with no dossier and are not emptied."""
    return values_of(RowOfCode, connection.execute(statement("personal_data/rows_of_codes"), {"codes": Jsonb(codes)}))


def held_of(
    connection: Connection, dossier_ids: Sequence[int], msisdn: str | None, alone: ByCode | None = None
) -> list[Held]:
    """Every value that is held of these dossiers, of a code that no dossier has, and of the texts that came from a
    number, E.164."""
    values = {
        "dossier_ids": list(dossier_ids),
        "msisdn": msisdn,
        "agency_code": alone.agency_code if alone else None,
        "dossier_code": alone.dossier_code if alone else None,
    }
    return values_of(Held, connection.execute(statement("personal_data/held"), values))


def count_elsewhere(connection: Connection, dossier_ids: Sequence[int], msisdn: str) -> int:
    """How many other dossiers were once told by this number, E.164."""
    values = {"dossier_ids": list(dossier_ids), "msisdn": msisdn}
    (row,) = connection.execute(statement("personal_data/number_elsewhere"), values).fetchall()
    return int(row["dossiers"])


def log_request(connection: Connection, request: Request, dossiers: int, held: int, now: datetime) -> None:
    """Keeps that a request was handled, how many dossiers it reached and how many values were held."""
    values = asdict(request) | {"dossiers": dossiers, "held": held, "now": now}
    connection.execute(statement("personal_data/log_request"), values)
