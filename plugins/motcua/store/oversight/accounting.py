"""Compute the accounting identity and the latency of messages.

The accounting identity holds if each occasion (an event that a message must be about) has exactly one message in one
state. The latency is the time from when a source recorded an event until a gateway accepted the message about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from motcua.domain.reconciliation import STATES
from motcua.domain.run_window import EVERYTHING, Window
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import values_of


@dataclass(frozen=True, slots=True)
class Latency:
    """The latency of ``messages`` messages, in seconds.

    All values are zero if there are no messages.
    """

    messages: int = 0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    longest: float = 0.0


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """The numbers of expected occasions and of messages in each state.

    ``difference`` is the expected occasions minus the messages of all states. It must be zero.
    """

    agency_code: str
    """The agency's code. Empty in a sum over all agencies. In a sum over all procedures, ``procedure_code`` is empty.
    In a sum over all kinds, ``kind`` is empty."""
    procedure_code: str
    kind: str
    expected: int
    suppressed: int
    cancelled: int
    expired: int
    queued: int
    sending: int
    unknown: int
    rejected: int
    accepted: int
    delivered: int
    undelivered: int
    unconfirmed: int
    difference: int


_KEYS = ("agency_code", "procedure_code", "kind")
_FIGURES = ("expected", *STATES, "difference")


def identity(connection: Connection, window: Window = EVERYTHING) -> list[IdentityRow]:
    """Return the accounting identity by agency, procedure and kind.

    ``window`` limits the result to events that the sources recorded, and inquiries that citizens sent, in a period.
    """
    return values_of(IdentityRow, connection.execute(statement("accounting/identity"), window.bounds))


def summed_up(rows: Sequence[IdentityRow], *names: str) -> list[IdentityRow]:
    """Add the rows up to one row for each combination of values in these columns, for example agency_code and kind."""
    sums: dict[tuple[str, ...], Counter[str]] = {}
    for row in rows:
        total = sums.setdefault(tuple(getattr(row, name) if name in names else "" for name in _KEYS), Counter())
        for figure in _FIGURES:
            total[figure] += getattr(row, figure)
    return [
        IdentityRow(*key, **{figure: total[figure] for figure in _FIGURES})  # type: ignore[arg-type]
        for key, total in sums.items()
    ]


def latency(connection: Connection, since: datetime, limit: int = 1000) -> Latency:
    """Return the latency of the latest messages that were sent without a delay.

    Messages that were on hold, or waited for a second attempt or a corrected phone number, are left out.
    """
    row = connection.execute(statement("accounting/latency"), {"since": since, "limit": limit}).fetchone()
    if row is None or not row["messages"]:
        return Latency()
    return Latency(row["messages"], row["p50"], row["p95"], row["p99"], float(row["longest"]))
