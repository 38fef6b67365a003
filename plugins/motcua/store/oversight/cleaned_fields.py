"""Fields that pick-up had to clean: one of the facts that the rules of data quality look at.

What the rules make of them, with its life, is in motcua.store.oversight.quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset


@dataclass(frozen=True, slots=True)
class CleanedRow:
    """A row of a source of which fields had to be cleaned."""

    agency_code: str
    dossier_code: str
    source_transition_id: int | None
    """``None``: it is a dossier's row."""
    detail: str
    """Names of the fields."""
    code: Literal["field_cleaned"] = "field_cleaned"


def save_findings(connection: Connection, source_id: int, rows: Sequence[CleanedRow], now: datetime) -> None:
    """Keeps what was cleaned.

    Each dossier and each transition once; a dossier's row that is read so again is seen again.
    """
    if rows:
        connection.execute(
            statement("cleaned_fields/save"), {"rows": recordset(rows), "source_id": source_id, "now": now}
        )
