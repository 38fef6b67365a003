"""Rows of a source that cannot be used yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset


def quarantine_rows(connection: Connection, source_id: int, rows: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Keeps the rows with their reasons and returns how many were not known before."""
    if not rows:
        return 0
    once = {(row["row_kind"], row["row_key"]): row for row in rows}
    kept = connection.execute(
        statement("quarantine/save"), {"rows": recordset(once.values()), "source_id": source_id, "now": now}
    )
    return sum(row["is_new"] for row in kept)


def release_rows(connection: Connection, source_id: int, row_kind: str, row_keys: Sequence[str], now: datetime) -> int:
    """Marks rows as gone on, and returns how many were open."""
    if not row_keys:
        return 0
    return connection.execute(
        statement("quarantine/release"),
        {"source_id": source_id, "row_kind": row_kind, "row_keys": list(row_keys), "now": now},
    ).rowcount


def curable_rows(
    connection: Connection, source_id: int, agency_codes: Sequence[str], status_codes: Sequence[int], now: datetime
) -> list[dict[str, Any]]:
    """Open rows whose cause may have gone: their agency or status is known now, or their dossier may have come."""
    return connection.execute(
        statement("quarantine/curable"),
        {"source_id": source_id, "agency_codes": list(agency_codes), "status_codes": list(status_codes), "now": now},
    ).fetchall()


def open_quarantine(connection: Connection) -> list[dict[str, Any]]:
    """Open rows counted by source, kind, reason and codes, with up to three examples each."""
    return connection.execute(statement("quarantine/open")).fetchall()
