"""The accounting identity and the time a message takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from motcua.store.database import Connection
from motcua.store.queries import statement

TERMS = (
    "suppressed",
    "cancelled",
    "expired",
    "queued",
    "sending",
    "unknown",
    "rejected",
    "accepted",
    "delivered",
    "undelivered",
    "unconfirmed",
)
"""The states of a message, in the order of the identity."""


def identity(connection: Connection) -> list[dict[str, Any]]:
    """By agency and kind: expected occasions, messages in each state, and the difference, which must be zero."""
    return connection.execute(statement("accounting/identity")).fetchall()


def latency(connection: Connection, since: datetime, limit: int = 1000) -> dict[str, Any]:
    """Seconds from recorded to accepted of the latest messages: ``messages, p50, p95, p99, longest``."""
    row = connection.execute(statement("accounting/latency"), {"since": since, "limit": limit}).fetchone()
    return dict(row or {})
