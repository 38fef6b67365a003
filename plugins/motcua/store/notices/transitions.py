"""Transitions: each once, whatever is read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from motcua.domain.dossiers import CleanTransition
from motcua.domain.occasions import PastTransition, PlanningResult
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import by_dossier, columns_of, large_recordset, recordset, value_of


@dataclass(frozen=True, slots=True)
class SavedTransition:
    """A transition that is new to us."""

    source_transition_id: int
    dossier_id: int


def known_numbers(connection: Connection, source_id: int, numbers: Sequence[int]) -> set[int]:
    """Those of a source's transition numbers that we have."""
    rows = connection.execute(statement("transitions/known"), {"source_id": source_id, "numbers": list(numbers)})
    return {row["source_transition_id"] for row in rows}


def save_transitions(
    connection: Connection, source_id: int, transitions: Sequence[tuple[int, CleanTransition]], now: datetime
) -> list[SavedTransition]:
    """Writes the transitions that are new, each with the id of its dossier, and returns them."""
    if not transitions:
        return []
    rows = [columns_of(transition) | {"dossier_id": dossier_id} for dossier_id, transition in transitions]
    values = {"rows": large_recordset(rows), "source_id": source_id, "now": now}
    return [value_of(SavedTransition, row) for row in connection.execute(statement("transitions/save"), values)]


def save_transitions_from_rows(connection: Connection, dossier_ids: Sequence[int], now: datetime) -> list[int]:
    """Writes the changes that only the dossiers' rows told of; returns the dossiers of each."""
    if not dossier_ids:
        return []
    values = {"dossier_ids": list(dossier_ids), "now": now}
    return [row["dossier_id"] for row in connection.execute(statement("transitions/save_from_rows"), values)]


def unplanned_dossiers(
    connection: Connection, *, start: datetime | None, end: datetime | None, after: int, limit: int
) -> list[int]:
    """Ids above ``after`` of dossiers with transitions still to be planned, in the window where one is given."""
    rows = connection.execute(
        statement("transitions/unplanned_dossiers"), {"start": start, "end": end, "after": after, "limit": limit}
    )
    return [row["dossier_id"] for row in rows]


def histories(connection: Connection, dossier_ids: Sequence[int]) -> dict[int, list[PastTransition]]:
    """All transitions of these dossiers, by dossier, in each one's order."""
    rows = connection.execute(statement("transitions/history"), {"dossier_ids": list(dossier_ids)})
    return by_dossier(PastTransition, rows)


def settle_transitions(
    connection: Connection, outcomes: Sequence[tuple[int, PlanningResult, int | None]], now: datetime
) -> None:
    """Keeps what planning made of transitions: (transition, outcome, transition that begins its occasion)."""
    if outcomes:
        rows = [
            {"transition_id": transition_id, "outcome": outcome, "begun_by": begun_by}
            for transition_id, outcome, begun_by in outcomes
        ]
        connection.execute(statement("transitions/settle"), {"rows": recordset(rows), "now": now})
