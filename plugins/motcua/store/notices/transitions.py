"""Transitions: each once, whatever is read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset


def known_numbers(connection: Connection, source_id: int, numbers: Sequence[int]) -> set[int]:
    """Those of a source's transition numbers that we have."""
    rows = connection.execute(statement("transitions/known"), {"source_id": source_id, "numbers": list(numbers)})
    return {row["source_transition_id"] for row in rows}


def save_transitions(
    connection: Connection, source_id: int, rows: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Writes the transitions that are new and returns them; each names its ``dossier_id``."""
    if not rows:
        return []
    return connection.execute(
        statement("transitions/save"), {"rows": recordset(rows), "source_id": source_id, "now": now}
    ).fetchall()


def save_transitions_from_rows(
    connection: Connection, dossier_ids: Sequence[int], now: datetime
) -> list[dict[str, Any]]:
    """Writes the changes that only the dossiers' rows told of."""
    if not dossier_ids:
        return []
    return connection.execute(
        statement("transitions/save_from_rows"), {"dossier_ids": list(dossier_ids), "now": now}
    ).fetchall()


def unplanned_dossiers(
    connection: Connection, *, start: datetime | None, end: datetime | None, after: int, limit: int
) -> list[int]:
    """Ids above ``after`` of dossiers with transitions still to be planned, in the window where one is given."""
    rows = connection.execute(
        statement("transitions/unplanned_dossiers"), {"start": start, "end": end, "after": after, "limit": limit}
    )
    return [row["dossier_id"] for row in rows]


def histories(connection: Connection, dossier_ids: Sequence[int]) -> list[dict[str, Any]]:
    """All transitions of these dossiers, in each dossier's order."""
    return connection.execute(statement("transitions/history"), {"dossier_ids": list(dossier_ids)}).fetchall()


def settle_transitions(connection: Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Keeps what planning made of the transitions."""
    if rows:
        connection.execute(statement("transitions/settle"), {"rows": recordset(rows), "now": now})
