"""Read and write stops: orders of the Department that messages of a kind or an agency are not sent for some time.

A stop is stored as it was ordered and may be ended early. A message that a stop covers is put on hold until the stop
ends. Ending a stop early makes the messages due that waited only for this stop.
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
    """An order not to send certain messages for some time.

    A stop covers all messages, the messages of a kind, the messages of an agency, or an agency's messages of a kind.
    """

    stop_id: int
    kind: Kind | None
    """The stopped kind of messages. ``None`` stops every kind."""
    agency_code: str | None
    """The agency whose messages are stopped. ``None`` stops the messages of every agency."""
    stopped_at: datetime
    until: datetime
    """When the stop ends by itself."""
    stopped_by: str
    reason: str
    """The reason of the stop. Publications contain this text."""
    ended_at: datetime | None
    """When somebody ended the stop early. ``None`` if nobody has ended the stop early."""
    ended_by: str | None

    def is_in_force(self, at: datetime) -> bool:
        """Return whether the stop is in force at a moment, which must not be before the stop began."""
        return self.ended_at is None and self.until > at

    def covers(self, agency_code: str, kind: str) -> bool:
        """Return whether the stop covers messages of this agency and kind."""
        return self.agency_code in (None, agency_code) and self.kind in (None, kind)

    @property
    def what(self) -> str:
        """Return the stopped kind and agency, in words."""
        if self.kind is None and self.agency_code is None:
            return "everything"
        return f"{self.kind or 'every kind'} of {self.agency_code or 'every agency'}"


@dataclass(frozen=True, slots=True)
class StoppedMessages:
    """How many messages of an agency and a kind wait for stops."""

    agency_code: str
    kind: Kind
    until: datetime
    """When the last stop that covers the messages ends."""
    messages: int
    useful_until: datetime
    """When the first of the messages expires."""


@dataclass(frozen=True, slots=True)
class SentMessages:
    """How many messages with one version of a text were handed to gateways, without phone numbers and texts."""

    agency_code: str
    kind: Kind
    template_id: str
    template_version: int
    messages: int
    taken: int
    """How many of these messages a gateway accepted."""
    delivered: int
    """How many of these messages are known to be on the phone."""
    unknown: int
    """How many of these messages have an unknown outcome."""
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
    """Insert a stop, which is in force from the commit on.

    Raises:
        psycopg.IntegrityError: the stop has no reason, would last longer than allowed, or names an unknown agency.
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
    """End a stop early and make the messages due that waited only for this stop.

    Return how many messages become due, or ``None`` if there is no such stop in force.
    """
    values = {"stop_id": stop_id, "ended_by": ended_by, "now": now}
    gone: int | None = first(connection.execute(statement("stops/end"), values), "gone")
    return gone


def find_stop(connection: Connection, stop_id: int) -> Stop | None:
    """Return the stop with this number, whether it is in force or over."""
    return first_of(Stop, connection.execute(statement("stops/find"), {"stop_id": stop_id}))


def would_wait(connection: Connection, *, kind: Kind | None, agency_code: str | None) -> dict[tuple[str, Kind], int]:
    """Count the queued messages that a new stop would put on hold, by agency and kind."""
    rows = connection.execute(statement("stops/would_wait"), {"kind": kind, "agency_code": agency_code})
    return {(row["agency_code"], row["kind"]): row["messages"] for row in rows}


def stops_in_force(connection: Connection, now: datetime) -> list[Stop]:
    """Return the stops in force, the newest first."""
    return _list_stops(connection, {"in_force_at": now, "limit": None})


def last_stops(connection: Connection, limit: int) -> list[Stop]:
    """Return the last stops, in force or over, the newest first."""
    return _list_stops(connection, {"in_force_at": None, "limit": limit})


def _list_stops(connection: Connection, values: dict[str, Any]) -> list[Stop]:
    return values_of(Stop, connection.execute(statement("stops/list"), values))


def stopped_until(connection: Connection, kind: Kind, agency_code: str | None, now: datetime) -> datetime | None:
    """Return until when messages of a kind and an agency are stopped, or ``None`` if they are not stopped.

    With ``None`` as agency, return this for messages that concern no dossier.
    """
    values = {"kind": kind, "agency_code": agency_code, "now": now}
    return first(connection.execute(statement("stops/stopped_until"), values), "until")


def due_and_stopped(connection: Connection, now: datetime, limit: int) -> list[int]:
    """Return the numbers of due messages that a stop covers and that no sender has put on hold yet."""
    rows = connection.execute(statement("stops/find_due"), {"now": now, "limit": limit})
    return [row["message_id"] for row in rows]


def set_aside(connection: Connection, message_ids: Sequence[int], now: datetime) -> None:
    """Put queued messages on hold until the stops that cover them end. A message that no stop covers stays due."""
    if message_ids:
        connection.execute(statement("stops/set_aside"), {"message_ids": list(message_ids), "now": now})


def stopped_messages(connection: Connection, now: datetime) -> list[StoppedMessages]:
    """Count the messages that wait for stops, by agency and kind."""
    return values_of(StoppedMessages, connection.execute(statement("stops/waiting"), {"now": now}))


def waiting_for(stop: Stop, waiting: Sequence[StoppedMessages]) -> int:
    """Count how many of these messages a stop covers."""
    return sum(each.messages for each in waiting if stop.covers(each.agency_code, each.kind))


def sent_messages(
    connection: Connection, start: datetime, end: datetime, *, kind: Kind | None = None, agency_code: str | None = None
) -> list[SentMessages]:
    """Count the messages handed to gateways in [start, end), by agency, kind and version of the text (from
    ``motcua.attempts``)."""
    values = {"start": start, "end": end, "kind": kind, "agency_code": agency_code}
    return values_of(SentMessages, connection.execute(statement("stops/went"), values))


def keep_stops_of_closing(connection: Connection, closing_no: int, period: Period, as_of: datetime) -> None:
    """Store with a closing which stops were in force within its period, as known at the closing's cut-off."""
    values = {"closing_no": closing_no, "start": period.start, "end": period.end, "as_of": as_of}
    connection.execute(statement("stops/keep_of_closing"), values)


def stops_of_closing(connection: Connection, closing_no: int) -> tuple[StopWords, ...]:
    """Return the stops stored with a closing, the earliest first. An auditor's rights are enough for this query."""
    rows = connection.execute(statement("stops/of_closing"), {"closing_no": closing_no})
    return tuple(value_of(StopWords, row) for row in rows)
