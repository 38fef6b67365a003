"""Stops: what the Department has nothing sent of for a time. Kept as they were said; they may be ended early.

Messages that a stop covers are set aside once, until it ends; ending it early makes them due at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from motcua.domain.dossiers import Kind
from motcua.domain.periods import Period
from motcua.domain.reconciliation import StopWords
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, first_of, value_of, values_of


@dataclass(frozen=True, slots=True)
class Stop:
    """A kind, an agency, an agency's kind, or everything that is not sent for a time."""

    stop_id: int
    kind: Kind | None
    """``None``: every kind."""
    agency_code: str | None
    """``None``: every agency."""
    stopped_at: datetime
    until: datetime
    """When it ends by itself."""
    stopped_by: str
    reason: str
    """Publications show it."""
    ended_at: datetime | None
    """When somebody ended it early."""
    ended_by: str | None

    def is_in_force(self, at: datetime) -> bool:
        """Whether it stops anything at a moment that is not before it began."""
        return self.ended_at is None and self.until > at

    def covers(self, agency_code: str, kind: str) -> bool:
        """Whether messages of this agency and kind are among what it stops."""
        return self.agency_code in (None, agency_code) and self.kind in (None, kind)

    @property
    def what(self) -> str:
        """What is stopped, in words."""
        if self.kind is None and self.agency_code is None:
            return "everything"
        return f"{self.kind or 'every kind'} of {self.agency_code or 'every agency'}"


@dataclass(frozen=True, slots=True)
class StoppedMessages:
    """Messages of an agency and a kind that wait for stops."""

    agency_code: str
    kind: Kind
    until: datetime
    """When the last stop ends that covers them."""
    messages: int
    useful_until: datetime
    """When the first of them expires."""


@dataclass(frozen=True, slots=True)
class SentMessages:
    """Messages made from one version of a text that left for the gateways; no number and no words."""

    agency_code: str
    kind: Kind
    template_id: str
    template_version: int
    messages: int
    taken: int
    """Of them those that a gateway took."""
    delivered: int
    """Of them those that are known to be on the phone."""
    unknown: int
    """Of them those that nobody can tell of."""
    first_at: datetime
    last_at: datetime


def save_stop(
    connection: Connection,
    *,
    kind: Kind | None,
    agency_code: str | None,
    stopped_at: datetime,
    until: datetime,
    stopped_by: str,
    reason: str,
) -> Stop:
    """Stops something, from the commit on.

    Raises:
        psycopg.IntegrityError: it has no reason, would last longer than it may, or the agency is not known.
    """
    values = {
        "kind": kind,
        "agency_code": agency_code,
        "stopped_at": stopped_at,
        "until": until,
        "stopped_by": stopped_by,
        "reason": reason,
    }
    row = connection.execute(statement("stops/save"), values).fetchone()
    assert row is not None
    return value_of(Stop, row)


def end_stop(connection: Connection, stop_id: int, *, ended_by: str, now: datetime) -> int | None:
    """Ends a stop early and has go what waited for it alone; returns how many messages, ``None``: it is not in
    force, or there is none."""
    values = {"stop_id": stop_id, "ended_by": ended_by, "now": now}
    gone: int | None = first(connection.execute(statement("stops/end"), values), "gone")
    return gone


def find_stop(connection: Connection, stop_id: int) -> Stop | None:
    """One stop by its number, in force or over."""
    return first_of(Stop, connection.execute(statement("stops/find"), {"stop_id": stop_id}))


def would_wait(connection: Connection, *, kind: Kind | None, agency_code: str | None) -> dict[tuple[str, Kind], int]:
    """How many messages are queued that a stop would have wait, by agency and kind."""
    rows = connection.execute(statement("stops/would_wait"), {"kind": kind, "agency_code": agency_code})
    return {(row["agency_code"], row["kind"]): row["messages"] for row in rows}


def stops_in_force(connection: Connection, now: datetime) -> list[Stop]:
    """What is stopped, the newest first."""
    return _stops(connection, {"in_force_at": now, "limit": None})


def last_stops(connection: Connection, limit: int) -> list[Stop]:
    """The last stops, over or not, the newest first."""
    return _stops(connection, {"in_force_at": None, "limit": limit})


def _stops(connection: Connection, values: dict[str, Any]) -> list[Stop]:
    return values_of(Stop, connection.execute(statement("stops/list"), values))


def stopped_until(connection: Connection, kind: Kind, agency_code: str | None, now: datetime) -> datetime | None:
    """Until when messages of a kind and an agency are stopped; ``None``: they are not. Without an agency: those that
    are about nobody's dossier."""
    values = {"kind": kind, "agency_code": agency_code, "now": now}
    return first(connection.execute(statement("stops/stopped_until"), values), "until")


def due_and_stopped(connection: Connection, now: datetime, limit: int) -> list[int]:
    """Due messages that a stop covers and that nobody has set aside yet."""
    rows = connection.execute(statement("stops/find_due"), {"now": now, "limit": limit})
    return [row["message_id"] for row in rows]


def set_aside(connection: Connection, message_ids: Sequence[int], now: datetime) -> None:
    """Has queued messages wait until the stops end that cover them. One that none covers any more stays due."""
    if message_ids:
        connection.execute(statement("stops/set_aside"), {"message_ids": list(message_ids), "now": now})


def stopped_messages(connection: Connection, now: datetime) -> list[StoppedMessages]:
    """Messages that wait for stops, by agency and kind."""
    return values_of(StoppedMessages, connection.execute(statement("stops/waiting"), {"now": now}))


def waiting_for(stop: Stop, waiting: Sequence[StoppedMessages]) -> int:
    """How many of these messages a stop covers."""
    return sum(each.messages for each in waiting if stop.covers(each.agency_code, each.kind))


def sent_messages(
    connection: Connection, start: datetime, end: datetime, *, kind: Kind | None = None, agency_code: str | None = None
) -> list[SentMessages]:
    """What left for the gateways in [start, end), by agency, kind and version of the text."""
    values = {"start": start, "end": end, "kind": kind, "agency_code": agency_code}
    return values_of(SentMessages, connection.execute(statement("stops/went"), values))


def keep_stops_of_closing(connection: Connection, closing_no: int, period: Period, as_of: datetime) -> None:
    """Keeps with a closing which stops were in force within its period, as they are known at its cut-off."""
    values = {"closing_no": closing_no, "start": period.start, "end": period.end, "as_of": as_of}
    connection.execute(statement("stops/keep_of_closing"), values)


def stops_of_closing(connection: Connection, closing_no: int) -> tuple[StopWords, ...]:
    """The stops that a closing knew of, the first one first; what auditors may read is enough."""
    rows = connection.execute(statement("stops/of_closing"), {"closing_no": closing_no})
    return tuple(value_of(StopWords, row) for row in rows)
