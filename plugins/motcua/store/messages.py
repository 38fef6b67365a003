"""Messages: planned, claimed, settled. The database refuses every move that message_moves does not name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from motcua.store.database import Connection
from motcua.store.queries import statement
from motcua.store.rows import recordset


@dataclass(frozen=True, slots=True)
class Window:
    """Messages whose event was recorded in [start, end); both empty: all messages."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, recorded_at: datetime) -> bool:
        """Whether the window holds what was recorded then."""
        return (self.start is None or recorded_at >= self.start) and (self.end is None or recorded_at < self.end)

    @property
    def bounds(self) -> dict[str, datetime | None]:
        """As parameters of a statement."""
        return {"start": self.start, "end": self.end}


EVERYTHING = Window()


def messages_of(connection: Connection, dossier_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Result and supplement messages of these dossiers."""
    return connection.execute(statement("messages/of_dossiers"), {"dossier_ids": list(dossier_ids)}).fetchall()


def save_messages(connection: Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Writes new messages and returns them (id, kind, state, reason); one that exists already is left alone."""
    if not rows:
        return []
    return connection.execute(statement("messages/save"), {"rows": recordset(rows), "now": now}).fetchall()


def reopen_mended(connection: Connection, window: Window, now: datetime) -> int:
    """Queues again what failed for a phone that the desk has mended since; returns how many."""
    reopened = connection.execute(statement("messages/reopen_mended"), {"now": now, **window.bounds}).rowcount
    connection.execute(statement("messages/note_phone_reason"), {"now": now})
    return reopened


def make_due(connection: Connection, window: Window, now: datetime) -> int:
    """Makes due at once what failed in passing in this window; returns how many."""
    return connection.execute(statement("messages/make_due"), {"now": now, **window.bounds}).rowcount


def claim(connection: Connection, window: Window, limit: int, now: datetime) -> list[dict[str, Any]]:
    """Up to ``limit`` due messages, locked until the transaction ends."""
    return connection.execute(statement("messages/claim"), {"now": now, "limit": limit, **window.bounds}).fetchall()


def turn_away(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Claimed messages that may not go: ``message_id``, ``state``, ``reason``."""
    if rows:
        connection.execute(statement("messages/turn_away"), {"rows": recordset(rows)})


def postpone(connection: Connection, message_ids: Sequence[int], until: datetime) -> None:
    """Claimed messages that must wait."""
    if message_ids:
        connection.execute(statement("messages/postpone"), {"message_ids": list(message_ids), "until": until})


def begin_sending(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Claimed messages that go: ``message_id``, ``msisdn``."""
    connection.execute(statement("messages/begin_sending"), {"rows": recordset(rows)})


def apply_outcomes(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """The gateway's answers: ``message_id``, ``state``, ``reason``, ``answered_at``, ``next_attempt_at``."""
    connection.execute(statement("messages/apply_outcomes"), {"rows": recordset(rows)})


def waiting(connection: Connection, window: Window, now: datetime) -> dict[str, int]:
    """``due`` and ``failed``: queued messages that are due, and that failed before."""
    row = connection.execute(statement("messages/waiting"), {"now": now, **window.bounds}).fetchone()
    return dict(row or {"due": 0, "failed": 0})


def by_state(connection: Connection) -> list[dict[str, Any]]:
    """Messages counted by agency, kind, state and reason."""
    return connection.execute(statement("messages/by_state")).fetchall()
