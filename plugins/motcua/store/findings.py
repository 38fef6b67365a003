"""Data-quality facts noticed about dossiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from motcua.store.database import Connection
from motcua.store.queries import statement
from motcua.store.rows import recordset


def save_findings(connection: Connection, source_id: int, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Keeps the facts, each once: ``code``, ``agency_code``, ``dossier_code``, ``source_transition_id``, ``detail``."""
    if rows:
        connection.execute(statement("findings/save"), {"rows": recordset(rows), "source_id": source_id, "now": now})
