"""Fields that pick-up had to clean: one of the facts that the rules of data quality look at.

What the rules make of them, with its life, is in motcua.store.oversight.quality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset


def save_findings(connection: Connection, source_id: int, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Keeps what was cleaned: ``code``, ``agency_code``, ``dossier_code``, ``source_transition_id``, ``detail``.

    Each dossier and each transition once; a dossier's row that is read so again is seen again.
    """
    if rows:
        connection.execute(
            statement("cleaned_fields/save"), {"rows": recordset(rows), "source_id": source_id, "now": now}
        )
