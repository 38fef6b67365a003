"""Messages and inquiries as people browse them: filtered, from the newest on, a piece at a time.

Nothing is skipped by counting, and nothing looks further than so many rows at once: where that many hold too few that
are wanted, the piece ends with the place to go on from, and whoever asks goes on or leaves it.
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
"""Messages that are looked at for one piece, at most: as many as a province's day brings."""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """How many messages are looked at for one piece, at most."""

    of_all: int = LOOKED_AT
    of_agencies: int = 10_000
    """Where some agencies' are looked for, which lie apart; but of each agency and state a page's worth."""
    page: int = 50


USUAL = LookedAt()
SUPPRESSED_FOR = (*REFUSALS, "same_day", "kind_off", "already_told")
"""Reasons that only a message that was never to go has; the ledger takes no other one for it."""
_USUAL = ("accepted", "delivered", "unconfirmed")
"""States that every stretch of the ledger holds many of, and those of replies, which may be of no agency."""


class Place(NamedTuple):
    """Of a row in a list that begins with the newest one."""

    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class MessagesAsked:
    """Which messages are wanted; what is ``None`` is not narrowed down."""

    agencies: Sequence[str] | None = None
    """Codes; with ``None`` also those of no agency."""
    of_no_agency: bool = False
    """Only those that are no agency's; with ``agencies=None``."""
    kind: Kind | None = None
    state: str | None = None
    reason: str | None = None
    procedure_codes: Sequence[str] | None = None
    begins: datetime | None = None
    """Recorded from then on."""
    ends: datetime | None = None
    """Recorded before then."""
    run_id: str | None = None
    """A run of this name made, moved or tried it."""
    dag_id: str | None = None
    """That run is of this DAG; ``None``: of whichever."""

    @property
    def is_of_each_agency(self) -> bool:
        """They are rare, and are looked for among each agency's: to count them costs as much for each."""
        rare = self.state is not None and self.state not in _USUAL
        return rare and self.agencies is None and not self.of_no_agency and self.run_id is None


@dataclass(frozen=True, slots=True)
class Piece:
    """Places of wanted rows, in the order that was asked for."""

    places: Sequence[Place]
    older: Place | None
    """Where to go on; ``None``: there are no more."""
    looked_on: bool
    """All up to there were wanted or looked at; ``False``: the look ended before enough were found."""


def find_messages(
    connection: Connection,
    asked: MessagesAsked,
    every_agency: Sequence[str],
    before: Place | None,
    most: int,
    looked_at: LookedAt = USUAL,
) -> Piece:
    """Up to ``most`` messages that are wanted, from the place ``before`` on, or the newest.

    Args:
        connection: to the ledger.
        asked: which ones.
        every_agency: codes of all agencies that there are.
        before: what the list had before; ``None``: nothing.
        most: of these.
        looked_at: to find them.
    """
    name, values = _way(asked, every_agency, most, looked_at)
    return _find(connection, name, values, before, most)


def find_oldest_messages(connection: Connection, asked: MessagesAsked, after: Place | None, most: int) -> Piece:
    """Up to ``most`` messages that are wanted, from the place ``after`` on, or the oldest.

    There is no index from this end for an agency or a state: of those that are looked at anyway, they are the ones that
    are wanted. Those of a run are read whole by the other end.
    """
    agencies = None if asked.agencies is None else list(asked.agencies)
    values = _narrowed(asked) | {"agencies": agencies, "of_no_agency": asked.of_no_agency, "looked_at": LOOKED_AT}
    return _find(connection, "messages/browsing/oldest", values, after, most)


def _find(
    connection: Connection, name: LiteralString, values: dict[str, Any], before: Place | None, most: int
) -> Piece:
    values |= {"before_at": before and before.at, "before_id": before and before.number, "most": most + 1}
    with in_order(connection):
        # Never prepared: a plan that is made for all agencies and days alike would read the ledger from end to end.
        return piece_of(connection.execute(statement(name), values, prepare=False).fetchall(), most)


@contextmanager
def in_order(connection: Connection) -> Iterator[None]:
    """Has what is asked within read rows in the order of an index, and stop where enough are found; no more after it.

    Nothing may be written within.
    """
    with connection.transaction(force_rollback=True):
        connection.execute(statement("messages/browsing/plan_in_order"))
        yield


def piece_of(rows: Sequence[Mapping[str, Any]], most: int) -> Piece:
    """The piece in rows ``listed_at``, ``listed_id``, ``is_wanted``, ``is_last`` of ``most`` + 1 at most."""
    places: list[Place] = []
    for row in rows:
        place = Place(row["listed_at"], row["listed_id"])
        if row["is_wanted"]:
            places.append(place)
        if len(places) > most:
            return Piece(places[:most], places[most - 1], True)
        if row["is_last"]:
            # What is older was not looked at, in this cell of the ledger at least.
            return Piece(places, place, False)
    return Piece(places, None, True)


def read_messages(connection: Connection, places: Sequence[Place]) -> list[DictRow]:
    """The messages at these places, in their order; words and number are to be masked by whoever shows them."""
    if not places:
        return []
    values = {"message_ids": [place.number for place in places]}
    return connection.execute(statement("messages/browsing/rows"), values).fetchall()


def _narrowed(asked: MessagesAsked) -> dict[str, Any]:
    return {
        "kind": asked.kind,
        "state": asked.state,
        "reason": asked.reason,
        "procedure_codes": None if asked.procedure_codes is None else list(asked.procedure_codes),
        "begins": asked.begins,
        "ends": asked.ends,
    }


def _way(
    asked: MessagesAsked, every_agency: Sequence[str], most: int, looked_at: LookedAt
) -> tuple[LiteralString, dict[str, Any]]:
    """By which index the wanted ones are found, and what the statement is given."""
    values = _narrowed(asked) | {"looked_at": looked_at.of_all}
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
        # All of them are wanted.
        each = min(each, most + 1)
    return "messages/browsing/of_agencies", values | {"agencies": agencies, "states": states, "looked_at": each}


@dataclass(frozen=True, slots=True)
class InquiriesAsked:
    """Which inquiries are wanted; what is ``None`` is not narrowed down."""

    begins: datetime
    ends: datetime
    """Received before then."""
    agencies: Sequence[str] | None = None
    """Codes; with ``None`` also those about no dossier."""
    outcome: InquiryResult | None = None

    @property
    def values(self) -> dict[str, Any]:
        """As the statements take them."""
        agencies = None if self.agencies is None else list(self.agencies)
        return {"begins": self.begins, "ends": self.ends, "agencies": agencies, "outcome": self.outcome}


@dataclass(frozen=True, slots=True)
class InquiriesOfDay:
    """How many inquiries of a day, by the clock of Vietnam, had an outcome."""

    day: date
    outcome: InquiryResult
    inquiries: int


@dataclass(frozen=True, slots=True)
class RepeatedCode:
    """A code that nobody knows and that was asked for again."""

    asked_code: str
    inquiries: int
    phones: int
    """From so many of them."""
    last_at: datetime


@dataclass(frozen=True, slots=True)
class RepeatedPhone:
    """A phone that asked again for codes that nobody knows."""

    msisdn: str
    inquiries: int
    codes: int
    """So many different ones."""
    asked_code: str | None
    """The last one."""
    last_at: datetime


def find_inquiries(connection: Connection, asked: InquiriesAsked, before: Place | None, most: int) -> Piece:
    """Up to ``most`` inquiries that are wanted, from the place ``before`` on, or the newest."""
    place = {"before_at": before and before.at, "before_id": before and before.number}
    values = asked.values | place | {"looked_at": LOOKED_AT, "most": most + 1}
    with in_order(connection):
        found = connection.execute(statement("inquiries/newest"), values, prepare=False).fetchall()
    return piece_of(found, most)


def read_inquiries(connection: Connection, places: Sequence[Place]) -> list[DictRow]:
    """The inquiries at these places, in their order; number and code are to be masked by whoever shows them."""
    if not places:
        return []
    values = {"inquiry_ids": [place.number for place in places]}
    return connection.execute(statement("inquiries/rows"), values).fetchall()


def inquiries_by_day(connection: Connection, asked: InquiriesAsked) -> list[InquiriesOfDay]:
    """Inquiries of the period by day and outcome, the newest day first; whatever outcome is asked for."""
    return values_of(InquiriesOfDay, connection.execute(statement("inquiries/by_day"), asked.values, prepare=False))


def repeated_codes(connection: Connection, begins: datetime, ends: datetime, limit: int) -> list[RepeatedCode]:
    """Unknown codes that were asked for more than once in the period, the most asked first."""
    values = {"begins": begins, "ends": ends, "limit": limit}
    return values_of(RepeatedCode, connection.execute(statement("inquiries/repeated_codes"), values, prepare=False))


def repeated_phones(connection: Connection, begins: datetime, ends: datetime, limit: int) -> list[RepeatedPhone]:
    """Phones that asked more than once for unknown codes in the period, the most persistent first."""
    values = {"begins": begins, "ends": ends, "limit": limit}
    return values_of(RepeatedPhone, connection.execute(statement("inquiries/repeated_phones"), values, prepare=False))


MOST = 10_000
"""More than a country has; sources may write what they like."""


@dataclass(frozen=True, slots=True)
class NamedProcedure:
    """A procedure that a source gave a name."""

    procedure_code: str
    name: str


def procedures_called(connection: Connection, most: int = MOST) -> list[NamedProcedure]:
    """Procedures with a name, by it."""
    return values_of(NamedProcedure, connection.execute(statement("agencies/named_procedures"), {"most": most}))
