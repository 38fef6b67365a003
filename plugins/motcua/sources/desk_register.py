"""The desk's own register (sổ giao nhận kết quả), which a source may offer beside the contract's two views.

It is the reality that statuses are held against: when a result lay at the desk, and when the citizen signed for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import IsolationLevel
from psycopg.rows import class_row

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement

_BATCH = 2000


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A row of the contract's view ``desk_register``, as read."""

    agency_code: str | None
    dossier_code: str | None
    result_ready_at: datetime | None
    handed_over_at: datetime | None


def read_desk_register(connection: Connection, since: datetime, patience: timedelta) -> Iterator[RegisterRow] | None:
    """The rows that have no time, or one since then, streamed; ``None``: the source offers no register.

    ``connection`` must have no transaction open; it is made read-only. No statement may take longer than ``patience``.
    """
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    milliseconds = int(patience.total_seconds() * 1000)
    connection.execute(statement("sources/reading/limit_time"), {"milliseconds": milliseconds})
    row = connection.execute(statement("sources/contract/desk_register_offered")).fetchone()
    return _stream(connection, since) if row and row["offered"] else None


def _stream(connection: Connection, since: datetime) -> Iterator[RegisterRow]:
    with connection.cursor(name="desk_register", row_factory=class_row(RegisterRow)) as cursor:
        cursor.itersize = _BATCH
        cursor.execute(statement("sources/contract/desk_register"), {"since": since})
        yield from cursor
