"""The accounting identity and the time a message takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from motcua.domain.reconciliation import STATES
from motcua.domain.run_window import EVERYTHING, Window
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement


@dataclass(frozen=True, slots=True)
class Latency:
    """Of so many messages the seconds from recorded to accepted; of none all zero."""

    messages: int = 0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    longest: float = 0.0


def identity(connection: Connection, window: Window = EVERYTHING) -> list[dict[str, Any]]:
    """By agency, procedure and kind: expected occasions, messages in each state, and the difference (zero).

    ``window``: of what the sources recorded, and citizens asked, in a period.
    """
    return connection.execute(statement("accounting/identity"), window.bounds).fetchall()


def summed_up(rows: Sequence[Mapping[str, Any]], *names: str) -> list[dict[str, Any]]:
    """The identity's rows added up to one for each value of these columns, for example agency_code and kind."""
    sums: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in names)
        total = sums.setdefault(key, dict(zip(names, key, strict=True)))
        for figure in ("expected", *STATES, "difference"):
            total[figure] = total.get(figure, 0) + row[figure]
    return list(sums.values())


def latency(connection: Connection, since: datetime, limit: int = 1000) -> Latency:
    """Seconds from recorded to accepted of the latest messages."""
    row = connection.execute(statement("accounting/latency"), {"since": since, "limit": limit}).fetchone()
    if row is None or not row["messages"]:
        return Latency()
    return Latency(row["messages"], row["p50"], row["p95"], row["p99"], float(row["longest"]))
