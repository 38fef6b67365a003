"""Empty personal data, and find the personal data that the ledger stores about a citizen.

One database function of the ledger empties the data. The login that calls this function may do nothing else, except
take the lock on emptying. A citizen's data is found by a dossier or by a phone number, and each request of a citizen is
recorded.
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
"""The Airflow connection of the login that may empty personal data. If it is not set, no data can be emptied."""

Kind: TypeAlias = Literal[
    "dossiers", "inquiries", "receipts", "quarantine", "complaints", "pushed_dossiers", "pushed_steps"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Cause: TypeAlias = Literal["term", "request", "restore"]


class PurgeNotProvided(Exception):
    """Raised if this deployment has no login that may empty personal data. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """The rows that a batch is to empty."""

    kind: Kind
    cause: Cause
    by: str
    """The run or the person that empties the rows."""
    after: int = 0
    """The number of the row after which the batch begins."""
    at_most: int = 1000
    """How many rows are examined at most."""
    reason: str | None = None
    """The document that contains the citizen's request. ``None`` if no citizen requested the emptying."""
    only_these: Sequence[Sequence[str]] | None = None
    """The rows to which the batch is limited. A dossier is given by its agency and its code. An inquiry is given by its
    gateway and its number, a quarantined row by its source and its number, a complaint by its agency and its number.
    ``None`` stands for all rows whose retention time is over."""
    listed_at: datetime | None = None
    """When these rows were emptied for the first time, before a restore brought their data back. ``None`` if the cause
    is not a restore."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The result of emptying one batch."""

    looked_until: int | None
    """The number of the last examined row. ``None`` if no more rows are left to examine."""
    emptied: int
    """How many rows of all tables were emptied."""
    listed: Sequence[Sequence[str]]
    """The emptied dossiers and other requested rows, in the form of ``Order.only_these``."""


@dataclass(frozen=True, slots=True)
class Purge:
    """The record that rows of one table were emptied in one batch."""

    purged_at: datetime
    cause: Cause
    of_table: str
    emptied: int
    purged_by: str
    reason: str | None


@contextmanager
def purge_connection() -> Iterator[Connection]:
    """Open a connection with the login that may empty personal data, and close it after the ``with`` body.

    Raises:
        PurgeNotProvided: there is no such connection, or its login may not empty personal data.
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
                f"personal data cannot be emptied: {PURGE} may not call the ledger's function, or the function does "
                "not belong to its own role; run motcua provision (with MOTCUA_PURGE_PASSWORD) and motcua migrate"
            )
        yield connection


def wait_for_emptying(connection: Connection) -> None:
    """Wait for the lock on emptying personal data, and hold the lock until this transaction ends.

    A process takes the lock before it writes a batch into the list of erasures, a file outside the ledger. The process
    holds the lock until the batch is committed in the ledger.
    """
    connection.execute(statement("personal_data/wait"))


def purge_batch(connection: Connection, order: Order, reference: str) -> Batch:
    """Empty one batch in the current transaction.

    ``reference`` is the reference of the batch's line in the list of erasures. The ledger stores this reference too.
    """
    values: dict[str, Any] = asdict(order) | {"reference": reference}
    if order.only_these is not None:
        values["only_these"] = Jsonb([list(each) for each in order.only_these])
    (row,) = connection.execute(statement("personal_data/purge"), values).fetchall()
    return value_of(Batch, row)


def known_references(connection: Connection, references: Sequence[str]) -> set[str]:
    """Return which of these references of batches the ledger has stored (in ``motcua.personal_data_purges``)."""
    rows = connection.execute(statement("personal_data/known_references"), {"wanted": list(references)})
    return {row["reference"] for row in rows}


def tidy_after_purge(connection: Connection) -> None:
    """Make PostgreSQL gather new statistics of the emptied columns. Needs a connection of the app's role."""
    connection.execute(statement("personal_data/tidy"))


def list_purges(connection: Connection, limit: int) -> list[Purge]:
    """Return the records of recently emptied rows, the newest first (from ``motcua.personal_data_purges``)."""
    return values_of(Purge, connection.execute(statement("personal_data/list"), {"limit": limit}))


Act: TypeAlias = Literal["export", "erase"]


@dataclass(frozen=True, slots=True)
class OwnInquiry:
    """A text that a citizen sent to 9029."""

    gateway: str
    inquiry_id: int
    is_under_way: bool
    """``True`` if the reply may still be sent, or if its outcome is not known yet."""


@dataclass(frozen=True, slots=True)
class RowOfCode:
    """A row in quarantine, or a complaint without a dossier."""

    kind: Literal["quarantine", "complaints"]
    of_whom: str
    """The number of the quarantined row's source, or the code of the complaint's agency."""
    row_no: int
    is_under_way: bool
    """``True`` for an open complaint, and for a complaint with the agency and dossier code of an open complaint."""


@dataclass(frozen=True, slots=True)
class Request:
    """The stored record of a citizen's request. It holds no phone number and no value of the citizen's data."""

    handled_by: str
    act: Act
    reason: str
    """The document that contains the request."""
    agency_code: str | None
    """The agency of the requested dossier. ``None`` if the request gave a phone number."""
    dossier_code: str | None
    """The code of the requested dossier, replaced by a mark if it may be a name or a phone number. ``None`` if the
    request gave a phone number."""


@dataclass(frozen=True, slots=True)
class HandledRequest(Request):
    """A handled request with its results."""

    handled_at: datetime
    dossiers: int
    """How many dossiers the request concerned."""
    held: int
    """How many values of personal data the ledger held at the time of the request."""


def list_requests(connection: Connection, limit: int) -> list[HandledRequest]:
    """Return the handled requests, the newest first (from ``motcua.personal_data_requests``)."""
    return values_of(HandledRequest, connection.execute(statement("personal_data/requests"), {"limit": limit}))


def dossier_asked_for(connection: Connection, agency_code: str, dossier_code: str) -> list[CitizenDossier]:
    """Return a list with the dossier of this agency and code, or an empty list if there is no such dossier."""
    return _dossiers(connection, agency_code, dossier_code, None)


def dossiers_of_number(connection: Connection, msisdn: str) -> list[CitizenDossier]:
    """Return all dossiers whose own phone number is this E.164 number."""
    return _dossiers(connection, None, None, msisdn)


def _dossiers(
    connection: Connection, agency_code: str | None, dossier_code: str | None, msisdn: str | None
) -> list[CitizenDossier]:
    values = {"agency_code": agency_code, "dossier_code": dossier_code, "msisdn": msisdn}
    return values_of(CitizenDossier, connection.execute(statement("personal_data/dossiers_of_citizen"), values))


def inquiries_of_number(connection: Connection, msisdn: str) -> list[OwnInquiry]:
    """Return the texts to 9029 that came from this E.164 number and are not emptied (from ``motcua.inquiries``)."""
    return values_of(OwnInquiry, connection.execute(statement("personal_data/inquiries_of_number"), {"msisdn": msisdn}))


def code_alone(connection: Connection, asked_for: ByCode) -> tuple[CodeAlone, list[str]]:
    """Describe a code that no dossier of its agency has, and return the similar codes of the agency's dossiers."""
    (row,) = connection.execute(statement("personal_data/code_alone"), asdict(asked_for)).fetchall()
    alike = row.pop("alike")
    return value_of(CodeAlone, row), alike


def rows_of_codes(connection: Connection, codes: Sequence[tuple[str, str]]) -> list[RowOfCode]:
    """Return rows in quarantine and complaints without a dossier that have one of these pairs of agency and code.

    Emptied rows are left out.
    """
    return values_of(RowOfCode, connection.execute(statement("personal_data/rows_of_codes"), {"codes": Jsonb(codes)}))


def held_of(
    connection: Connection, dossier_ids: Sequence[int], msisdn: str | None, alone: ByCode | None = None
) -> list[Held]:
    """Return every stored personal value of these dossiers, of the code ``alone``, and of texts from ``msisdn``.

    ``alone`` is a code that no dossier has; ``msisdn`` is an E.164 number.
    """
    values = {
        "dossier_ids": list(dossier_ids),
        "msisdn": msisdn,
        "agency_code": alone.agency_code if alone else None,
        "dossier_code": alone.dossier_code if alone else None,
    }
    return values_of(Held, connection.execute(statement("personal_data/held"), values))


def count_elsewhere(connection: Connection, dossier_ids: Sequence[int], msisdn: str) -> int:
    """Count the dossiers, apart from the given ones, that once had a message sent to this E.164 number."""
    values = {"dossier_ids": list(dossier_ids), "msisdn": msisdn}
    (row,) = connection.execute(statement("personal_data/number_elsewhere"), values).fetchall()
    return int(row["dossiers"])


def log_request(connection: Connection, request: Request, dossiers: int, held: int, now: datetime) -> None:
    """Record that a request was handled, how many dossiers it concerned and how many values were stored
    (``motcua.personal_data_requests``)."""
    values = asdict(request) | {"dossiers": dossiers, "held": held, "now": now}
    connection.execute(statement("personal_data/log_request"), values)
