"""Dossiers as last read from their sources, and what planning must know of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset


def save_dossiers(
    connection: Connection, source_id: int, rows: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Writes the rows that are new or changed, keeps a version of each, and returns them (id, agency, code)."""
    if not rows:
        return []
    parameter = recordset(rows)
    return connection.execute(
        statement("dossiers/save"), {"rows": parameter, "source_id": source_id, "now": now}
    ).fetchall()


def save_procedures(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes the procedures met. To be committed at once: all sources share them."""
    connection.execute(statement("dossiers/save_procedures"), {"rows": recordset(rows)})


def known_dossiers(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Those of these (agency, code) that we have."""
    if not keys:
        return {}
    agency_codes, dossier_codes = zip(*keys, strict=True)
    rows = connection.execute(
        statement("dossiers/known"), {"agency_codes": list(agency_codes), "dossier_codes": list(dossier_codes)}
    )
    return {(row["agency_code"], row["dossier_code"]): row for row in rows}


def dossiers_whose_row_tells_more(connection: Connection, dossier_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Dossiers whose row is newer than their last transition and calls for something else."""
    return connection.execute(statement("dossiers/row_tells_more"), {"dossier_ids": list(dossier_ids)}).fetchall()


def dossiers_whose_status_was_mapped(connection: Connection, source_id: int) -> list[tuple[str, str]]:
    """(agency, code) of a source's dossiers with a status that nobody knew, where its codes were mapped since the last
    pick-up; the agency by each of its codes."""
    rows = connection.execute(statement("dossiers/status_mapped_since"), {"source_id": source_id})
    return [(row["agency_code"], row["dossier_code"]) for row in rows]


def dossiers_without_history(connection: Connection, dossier_ids: Sequence[int], now: datetime) -> list[dict[str, Any]]:
    """Dossiers whose first known transition came at ``now`` and already calls for a message."""
    return connection.execute(
        statement("dossiers/without_history"), {"dossier_ids": list(dossier_ids), "now": now}
    ).fetchall()


def lock_dossiers_to_plan(
    connection: Connection, dossier_ids: Sequence[int], now: datetime | None = None
) -> list[dict[str, Any]]:
    """The dossiers with their agencies' settings, locked; those that another planner holds are left out.

    ``now`` decides which name is in force, and who is in charge; by default the database's clock.
    """
    return connection.execute(
        statement("dossiers/lock_to_plan"), {"dossier_ids": list(dossier_ids), "now": now}
    ).fetchall()
