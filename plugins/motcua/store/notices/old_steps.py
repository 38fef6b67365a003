"""Old steps, typed in late: they count only where the dossier's row agrees (docs/decisions/old-steps.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of


@dataclass(frozen=True, slots=True)
class DossierToJudge:
    """A dossier whose row is to be read for an old step."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    written: str
    """A code under which its source may know the agency."""


def mark_old_steps(connection: Connection, dossier_ids: Sequence[int], clock_skew: timedelta, now: datetime) -> None:
    """Notes which transitions of these dossiers are old, as far as those read at ``now`` show it."""
    connection.execute(
        statement("old_steps/mark"), {"dossier_ids": list(dossier_ids), "clock_skew": clock_skew, "now": now}
    )


def old_steps_to_judge(connection: Connection, source_id: int, now: datetime) -> list[DossierToJudge]:
    """Dossiers of a source whose row is to be read for an old step, by each code of their agency."""
    rows = connection.execute(statement("old_steps/to_judge"), {"source_id": source_id, "now": now})
    return [value_of(DossierToJudge, row) for row in rows]


def judge_old_steps(connection: Connection, source_id: int, dossier_ids: Sequence[int], now: datetime) -> list[int]:
    """Has the rows of these dossiers, read at ``now``, judge their old steps; what stays open is asked for later.

    Returns the ids of the dossiers in which a step was judged.
    """
    judged = connection.execute(statement("old_steps/judge"), {"dossier_ids": list(dossier_ids), "now": now}).fetchall()
    connection.execute(statement("old_steps/put_off"), {"source_id": source_id, "now": now})
    return [row["dossier_id"] for row in judged]


def old_steps_since(connection: Connection) -> datetime:
    """Since when old steps are told apart: what was recorded before counts as it was taken then."""
    row = connection.execute(statement("old_steps/since")).fetchone()
    assert row is not None
    since: datetime = row["since"]
    return since
