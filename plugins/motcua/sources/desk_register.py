"""Read the register of a one-stop desk (sổ giao nhận kết quả), if a source offers the view ``onestop.desk_register``.

The register shows what really happened: when a result arrived at the desk, and when the citizen signed for the result.
The quality check compares the statuses of dossiers with the register.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from psycopg import IsolationLevel
from psycopg.rows import class_row

from motcua.sources.patience import answered_within
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.oversight.quality import RegisterRow

_BATCH = 2000


def read_desk_register(connection: Connection, since: datetime, patience: timedelta) -> Iterator[RegisterRow] | None:
    """Stream the register's rows from ``since`` on and those without a time; ``None`` if there is no register.

    Args:
        connection: a connection to the source, with no transaction open; it is made read-only.
        since: a row counts if its result arrived or was handed over at this time or later.
        patience: the time limit of each SQL statement.
    """
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    seconds = patience.total_seconds()
    with answered_within(connection, seconds):
        connection.execute(statement("sources/reading/limit_time"), {"milliseconds": int(seconds * 1000)})
        row = connection.execute(statement("sources/contract/desk_register_offered")).fetchone()
    return _stream(connection, since, seconds) if row and row["offered"] else None


def _stream(connection: Connection, since: datetime, patience: float) -> Iterator[RegisterRow]:
    with connection.cursor(name="desk_register", row_factory=class_row(RegisterRow)) as cursor:
        with answered_within(connection, patience):
            cursor.execute(statement("sources/contract/desk_register"), {"since": since})
        is_more = True
        while is_more:
            with answered_within(connection, patience):
                rows = cursor.fetchmany(_BATCH)
            yield from rows
            is_more = len(rows) == _BATCH
