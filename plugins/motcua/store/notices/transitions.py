"""Transitions: each once, whatever is read again; old ones, typed in late, count only where the dossier's row agrees
(docs/decisions/old-steps.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from motcua.domain.dossiers import CleanTransition, RowRefusal
from motcua.domain.numbering import KnownStep
from motcua.domain.occasions import PastTransition, PlanningResult
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import (
    by_dossier,
    first,
    large_array,
    large_recordset,
    recordset,
    row_of,
    values_of,
)


def known_steps(connection: Connection, source_id: int, numbers: Sequence[int]) -> dict[int, KnownStep]:
    """Those of a source's steps that we have, by number."""
    with connection.cursor(row_factory=row_of(KnownStep)) as cursor:
        values = {"source_id": source_id, "numbers": large_array(numbers)}
        return {each.number: each for each in cursor.execute(statement("transitions/known"), values)}


def newest_steps(connection: Connection, source_id: int, most: int) -> list[KnownStep]:
    """A source's steps of the highest numbers that we have, the highest first."""
    with connection.cursor(row_factory=row_of(KnownStep)) as cursor:
        return cursor.execute(statement("transitions/newest"), {"source_id": source_id, "most": most}).fetchall()


def lowest_number(connection: Connection, source_id: int, from_number: int) -> int | None:
    """The lowest number of a source's steps that we have, from this number on."""
    return first(
        connection.execute(statement("transitions/lowest"), {"source_id": source_id, "from_number": from_number}),
        "number",
    )


def transitions_written_down(transitions: Iterable[CleanTransition | RowRefusal]) -> str:
    """Transitions as ``save_transitions`` takes them, each with its place among all that are given, from 1 on; refused
    ones are left out."""
    return large_recordset(
        {
            "place": place,
            "source_transition_id": each.source_transition_id,
            "from_step": each.from_step,
            "to_step": each.to_step,
            "status_code": each.status_code,
            "at_one_stop_desk": each.at_one_stop_desk,
            "occurred_at": each.occurred_at,
            "recorded_at": each.recorded_at,
            "actor": each.actor,
            "note": each.note,
        }
        for place, each in enumerate(transitions, start=1)
        if isinstance(each, CleanTransition)
    )


def save_transitions(
    connection: Connection, source_id: int, written: str, dossier_ids: Sequence[int | None], now: datetime
) -> None:
    """Writes transitions that are new.

    Args:
        written: them and others, by ``transitions_written_down``.
        dossier_ids: by their places there the dossier of each; ``None``: it is not to be saved.

    Raises:
        psycopg.errors.UniqueViolation: one is there already, or its number stands twice.
    """
    values = {"rows": written, "dossier_ids": large_array(dossier_ids), "source_id": source_id, "now": now}
    connection.execute(statement("transitions/save"), values)


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
    return values_of(
        DossierToJudge, connection.execute(statement("old_steps/to_judge"), {"source_id": source_id, "now": now})
    )


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
