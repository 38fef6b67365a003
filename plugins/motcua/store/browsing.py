"""Return messages and inquiries for lists on pages: filtered, the newest first, one piece of the list at a time.

Each query begins at the place where the last piece ended, so that it need not read the rows of earlier pieces again. A
query examines a limited number of rows, except that queued messages and the messages of one run are read completely.
If the examined rows contain too few wanted rows, the piece ends with the place to continue from, and the caller may
ask for the next piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString, NamedTuple

from psycopg.rows import DictRow

from motcua.domain.dossiers import Kind
from motcua.domain.inquiries import InquiryResult
from motcua.domain.phones.reading import REFUSALS
from motcua.domain.reconciliation import STATES
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import values_of

LOOKED_AT = 30_000
"""How many messages are examined for one piece at most. A province has about this many messages in a day."""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """The limits of how many messages are examined for one piece."""

    of_all: int = LOOKED_AT
    of_agencies: int = 10_000
    """The limit if only messages of given agencies are wanted. It is divided equally among the wanted agencies and
    states, but for each agency and state at least ``page`` + 1 messages are examined."""
    page: int = 50
    """How many messages a page shows."""


USUAL = LookedAt()
SUPPRESSED_FOR = (*REFUSALS, "same_day", "kind_off", "already_told")
"""Reasons that only a suppressed message has. The ledger accepts no other reason for such a message."""
_USUAL = ("accepted", "delivered", "unconfirmed")
"""Common states: most messages of each day are in one of them. A message in any other state is rare."""


class Place(NamedTuple):
    """The place of a row in a list that begins with the newest row."""

    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class MessagesAsked:
    """The filters for messages. A filter that is ``None`` does not apply."""

    agencies: Sequence[str] | None = None
    """Codes of the wanted agencies. ``None`` includes messages that belong to no agency."""
    of_no_agency: bool = False
    """``True`` if only messages that belong to no agency are wanted. Needs ``agencies=None``."""
    kind: Kind | None = None
    state: str | None = None
    reason: str | None = None
    procedure_codes: Sequence[str] | None = None
    begins: datetime | None = None
    """The message was recorded at or after this moment."""
    ends: datetime | None = None
    """The message was recorded before this moment."""
    run_id: str | None = None
    """A run with this name inserted, changed or tried to send the message."""
    dag_id: str | None = None
    """The run of ``run_id`` belongs to this DAG. ``None`` stands for any DAG."""

    @property
    def is_of_each_agency(self) -> bool:
        """Return whether each agency must be searched separately, because the wanted state is rare.

        A search through all agencies at once would read many messages of other states to find one in the rare state.
        """
        rare = self.state is not None and self.state not in _USUAL
        return rare and self.agencies is None and not self.of_no_agency and self.run_id is None


@dataclass(frozen=True, slots=True)
class Piece:
    """The places of the wanted rows that were found, in the requested order."""

    places: Sequence[Place]
    older: Place | None
    """The place to continue from. ``None`` if there are no more rows."""
    looked_on: bool
    """``False`` if the search reached its limit before it found enough rows."""


def find_messages(
    connection: Connection,
    asked: MessagesAsked,
    every_agency: Sequence[str],
    before: Place | None,
    most: int,
    looked_at: LookedAt = USUAL,
) -> Piece:
    """Find up to ``most`` wanted messages that are older than the place ``before``, the newest first.

    Args:
        connection: a connection to the ledger.
        asked: the filters.
        every_agency: the codes of all existing agencies.
        before: the last place that the list already has; ``None`` for the first piece of the list.
        most: how many messages are returned at most.
        looked_at: how many messages are examined at most.
    """
    name, values = _choose_query(asked, every_agency, most, looked_at)
    return _find(connection, name, values, before, most)


def find_oldest_messages(connection: Connection, asked: MessagesAsked, after: Place | None, most: int) -> Piece:
    """Find up to ``most`` wanted messages that are newer than the place ``after``, the oldest first.

    If ``after`` is ``None``, begin with the oldest message. This search uses no index by agency or state: it examines
    the next messages in time and applies the filters to them. It ignores ``run_id`` and ``dag_id``; use
    ``find_messages`` for the messages of a run.
    """
    agencies = None if asked.agencies is None else list(asked.agencies)
    values = _filter_values(asked) | {"agencies": agencies, "of_no_agency": asked.of_no_agency, "looked_at": LOOKED_AT}
    return _find(connection, "messages/browsing/oldest", values, after, most)


def _find(
    connection: Connection, name: LiteralString, values: dict[str, Any], before: Place | None, most: int
) -> Piece:
    values |= {"before_at": before and before.at, "before_id": before and before.number, "most": most + 1}
    with in_order(connection):
        # The SQL statement is never prepared: PostgreSQL's generic plan for all agencies and days would read the whole
        # ledger.
        return piece_of(connection.execute(statement(name), values, prepare=False).fetchall(), most)


@contextmanager
def in_order(connection: Connection) -> Iterator[None]:
    """Make the queries of the ``with`` body read rows in the order of an index.

    A query can then stop when it has enough rows.

    The setting ends with the body. The body must not write anything, because its transaction is rolled back.
    """
    with connection.transaction(force_rollback=True):
        connection.execute(statement("messages/browsing/plan_in_order"))
        yield


def piece_of(rows: Sequence[Mapping[str, Any]], most: int) -> Piece:
    """Make a piece of at most ``most`` places from up to ``most`` + 1 rows of a query.

    Each row has ``listed_at``, ``listed_id``, ``is_wanted`` (the row matches the filters) and ``is_last`` (the query
    reached its limit at this row).
    """
    places: list[Place] = []
    for row in rows:
        place = Place(row["listed_at"], row["listed_id"])
        if row["is_wanted"]:
            places.append(place)
        if len(places) > most:
            return Piece(places[:most], places[most - 1], True)
        if row["is_last"]:
            # Older rows were not examined, at least for this agency and state.
            return Piece(places, place, False)
    return Piece(places, None, True)


def read_messages(connection: Connection, places: Sequence[Place]) -> list[DictRow]:
    """Return the messages at these places, in the order of the list.

    The caller must mask texts and phone numbers before showing the messages.
    """
    if not places:
        return []
    values = {"message_ids": [place.number for place in places]}
    return connection.execute(statement("messages/browsing/rows"), values).fetchall()


def _filter_values(asked: MessagesAsked) -> dict[str, Any]:
    return {
        "kind": asked.kind,
        "state": asked.state,
        "reason": asked.reason,
        "procedure_codes": None if asked.procedure_codes is None else list(asked.procedure_codes),
        "begins": asked.begins,
        "ends": asked.ends,
    }


def _choose_query(
    asked: MessagesAsked, every_agency: Sequence[str], most: int, looked_at: LookedAt
) -> tuple[LiteralString, dict[str, Any]]:
    """Choose the SQL statement whose index finds the wanted messages, and return its name and its parameters."""
    values = _filter_values(asked) | {"looked_at": looked_at.of_all}
    agencies = None if asked.agencies is None else list(asked.agencies)
    if asked.run_id is not None:
        return "messages/browsing/of_run", values | {
            "run_id": asked.run_id,
            "dag_id": asked.dag_id,
            "agencies": agencies,
            "of_no_agency": asked.of_no_agency,
        }
    if asked.is_of_each_agency:
        agencies = list(every_agency)
    if agencies is None:
        return "messages/browsing/newest", values | {"of_no_agency": asked.of_no_agency}
    states = [asked.state] if asked.state is not None else list(STATES)
    if asked.state is None and asked.reason in SUPPRESSED_FOR:
        states = ["suppressed"]
    each = max(looked_at.of_agencies // max(len(agencies) * len(states), 1), looked_at.page + 1)
    if asked.kind is asked.reason is asked.procedure_codes is None:
        # Without these filters every examined message is wanted, so no more messages are examined than a piece needs.
        each = min(each, most + 1)
    return "messages/browsing/of_agencies", values | {"agencies": agencies, "states": states, "looked_at": each}


@dataclass(frozen=True, slots=True)
class InquiriesAsked:
    """The filters for inquiries. A filter that is ``None`` does not apply."""

    begins: datetime
    """The inquiry was received at or after this moment."""
    ends: datetime
    """The inquiry was received before this moment."""
    agencies: Sequence[str] | None = None
    """Codes of the wanted agencies. ``None`` includes inquiries about no dossier."""
    outcome: InquiryResult | None = None

    @property
    def values(self) -> dict[str, Any]:
        """Return the filters as parameters of the SQL statements."""
        agencies = None if self.agencies is None else list(self.agencies)
        return {"begins": self.begins, "ends": self.ends, "agencies": agencies, "outcome": self.outcome}


@dataclass(frozen=True, slots=True)
class InquiriesOfDay:
    """How many inquiries of one day in Vietnam's time zone had one outcome."""

    day: date
    outcome: InquiryResult
    inquiries: int


@dataclass(frozen=True, slots=True)
class RepeatedCode:
    """A code that no agency knows and that was asked for more than once."""

    asked_code: str
    inquiries: int
    phones: int
    """How many different phones asked for the code."""
    last_at: datetime


@dataclass(frozen=True, slots=True)
class RepeatedPhone:
    """A phone that asked more than once for unknown codes."""

    msisdn: str
    inquiries: int
    codes: int
    """How many different codes the phone asked for."""
    asked_code: str | None
    """The last code that the phone asked for."""
    last_at: datetime


def find_inquiries(connection: Connection, asked: InquiriesAsked, before: Place | None, most: int) -> Piece:
    """Find up to ``most`` wanted inquiries that are older than the place ``before``, the newest first."""
    place = {"before_at": before and before.at, "before_id": before and before.number}
    values = asked.values | place | {"looked_at": LOOKED_AT, "most": most + 1}
    with in_order(connection):
        found = connection.execute(statement("inquiries/newest"), values, prepare=False).fetchall()
    return piece_of(found, most)


def read_inquiries(connection: Connection, places: Sequence[Place]) -> list[DictRow]:
    """Return the inquiries at these places, in the order of the list.

    The caller must mask phone numbers and codes before showing the inquiries.
    """
    if not places:
        return []
    values = {"inquiry_ids": [place.number for place in places]}
    return connection.execute(statement("inquiries/rows"), values).fetchall()


def inquiries_by_day(connection: Connection, asked: InquiriesAsked) -> list[InquiriesOfDay]:
    """Count the inquiries that match the filters by day and outcome, the newest day first. Ignore ``asked.outcome``."""
    return values_of(InquiriesOfDay, connection.execute(statement("inquiries/by_day"), asked.values, prepare=False))


def repeated_codes(connection: Connection, begins: datetime, ends: datetime, limit: int) -> list[RepeatedCode]:
    """Return unknown codes that were asked for more than once in the period, the most frequent first (from
    ``motcua.inquiries``)."""
    values = {"begins": begins, "ends": ends, "limit": limit}
    return values_of(RepeatedCode, connection.execute(statement("inquiries/repeated_codes"), values, prepare=False))


def repeated_phones(connection: Connection, begins: datetime, ends: datetime, limit: int) -> list[RepeatedPhone]:
    """Return phones that asked more than once for unknown codes in the period (from ``motcua.inquiries``).

    The phone that asked most often comes first.
    """
    values = {"begins": begins, "ends": ends, "limit": limit}
    return values_of(RepeatedPhone, connection.execute(statement("inquiries/repeated_phones"), values, prepare=False))


MOST = 10_000
"""How many procedures are read at most. This is more than the whole country has. The limit exists because a faulty
source may write any number of procedures."""


@dataclass(frozen=True, slots=True)
class NamedProcedure:
    """A procedure with the name that a source gave it."""

    procedure_code: str
    name: str


def procedures_called(connection: Connection, most: int = MOST) -> list[NamedProcedure]:
    """Return the procedures with a name, ordered by name."""
    return values_of(NamedProcedure, connection.execute(statement("agencies/named_procedures"), {"most": most}))
