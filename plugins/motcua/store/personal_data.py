"""Personal data is emptied through one function of the ledger, by a login that may do nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from psycopg.types.json import Jsonb

from motcua.store.ledger.database import Connection, open_connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of

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

    try:
        connection = open_connection(PURGE)
    except AirflowNotFoundException:
        raise PurgeNotProvided(
            f"personal data cannot be emptied: there is no connection {PURGE}; set MOTCUA_PURGE_PASSWORD, run motcua "
            "provision and motcua migrate, and set AIRFLOW_CONN_MOTCUA_DB_PURGE"
        ) from None
    with connection:
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
    return [value_of(Purge, row) for row in connection.execute(statement("personal_data/list"), {"limit": limit})]
