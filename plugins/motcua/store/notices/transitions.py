"""Read and write transitions. Each transition is stored once, however often it is read.

An old step, which was typed in late, counts only if the dossier's row agrees with it (docs/decisions/old-steps.md).
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
    """Return the stored steps of a source that have one of these numbers, by number (from ``motcua.transitions``)."""
    with connection.cursor(row_factory=row_of(KnownStep)) as cursor:
        values = {"source_id": source_id, "numbers": large_array(numbers)}
        return {each.number: each for each in cursor.execute(statement("transitions/known"), values)}


def newest_steps(connection: Connection, source_id: int, most: int) -> list[KnownStep]:
    """Return the source's stored steps with the highest numbers, the highest first (from ``motcua.transitions``)."""
    with connection.cursor(row_factory=row_of(KnownStep)) as cursor:
        return cursor.execute(statement("transitions/newest"), {"source_id": source_id, "most": most}).fetchall()


def lowest_number(connection: Connection, source_id: int, from_number: int) -> int | None:
    """Return the lowest number of a source's steps in ``motcua.transitions`` that is not below ``from_number``.

    Return ``None`` if there is no such step.
    """
    return first(
        connection.execute(statement("transitions/lowest"), {"source_id": source_id, "from_number": from_number}),
        "number",
    )


def transitions_written_down(transitions: Iterable[CleanTransition | RowRefusal]) -> str:
    """Return transitions in the JSON form that ``save_transitions`` needs.

    Each transition gets its place in the given order, counted from 1. Refused transitions are left out.
    """
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
    """Insert new transitions.

    Args:
        written: all transitions of a batch, as ``transitions_written_down`` returns them.
        dossier_ids: the dossier of each transition, by the transition's place; a transition with ``None`` is not saved.

    Raises:
        psycopg.errors.UniqueViolation: a transition is already stored, or its number occurs twice.
    """
    values = {"rows": written, "dossier_ids": large_array(dossier_ids), "source_id": source_id, "now": now}
    connection.execute(statement("transitions/save"), values)


def save_transitions_from_rows(connection: Connection, dossier_ids: Sequence[int], now: datetime) -> list[int]:
    """Insert into ``motcua.transitions`` the changes that only the rows of these dossiers show, and no source's steps.

    Return the dossier of each change.
    """
    if not dossier_ids:
        return []
    values = {"dossier_ids": list(dossier_ids), "now": now}
    return [row["dossier_id"] for row in connection.execute(statement("transitions/save_from_rows"), values)]


def unplanned_dossiers(
    connection: Connection, *, start: datetime | None, end: datetime | None, after: int, limit: int
) -> list[int]:
    """Return the ids of dossiers with unplanned transitions. Only ids above ``after`` are returned.

    With ``start`` and ``end``, only transitions that were recorded in [``start``, ``end``) count.
    """
    rows = connection.execute(
        statement("transitions/unplanned_dossiers"), {"start": start, "end": end, "after": after, "limit": limit}
    )
    return [row["dossier_id"] for row in rows]


def histories(connection: Connection, dossier_ids: Sequence[int]) -> dict[int, list[PastTransition]]:
    """Return all transitions of these dossiers, by dossier and in the order of each dossier's history."""
    rows = connection.execute(statement("transitions/history"), {"dossier_ids": list(dossier_ids)})
    return by_dossier(PastTransition, rows)


def settle_transitions(
    connection: Connection, outcomes: Sequence[tuple[int, PlanningResult, int | None]], now: datetime
) -> None:
    """Store the results of planning.

    Each result is (transition, outcome, first transition of the occasion). An occasion is an event that a message is
    about. Several transitions may belong to one occasion.
    """
    if outcomes:
        rows = [
            {"transition_id": transition_id, "outcome": outcome, "begun_by": begun_by}
            for transition_id, outcome, begun_by in outcomes
        ]
        connection.execute(statement("transitions/settle"), {"rows": recordset(rows), "now": now})


@dataclass(frozen=True, slots=True)
class DossierToJudge:
    """A dossier whose row must be read again, to decide whether an old step counts."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    written: str
    """A code that the dossier's source may write for the agency."""


def mark_old_steps(connection: Connection, dossier_ids: Sequence[int], clock_skew: timedelta, now: datetime) -> None:
    """Record the old steps of these dossiers that the transitions read at ``now`` reveal."""
    connection.execute(
        statement("old_steps/mark"), {"dossier_ids": list(dossier_ids), "clock_skew": clock_skew, "now": now}
    )


def old_steps_to_judge(connection: Connection, source_id: int, now: datetime) -> list[DossierToJudge]:
    """Return the source's dossiers whose row must be read now, to decide whether an old step counts.

    Each dossier occurs once for each code that the source may write for the dossier's agency.
    """
    return values_of(
        DossierToJudge, connection.execute(statement("old_steps/to_judge"), {"source_id": source_id, "now": now})
    )


def judge_old_steps(connection: Connection, source_id: int, dossier_ids: Sequence[int], now: datetime) -> list[int]:
    """Decide whether the old steps of these dossiers count, by the dossiers' rows, which were read at ``now``.

    Postpone the decision for dossiers whose row the source did not return, or returned without a status. Return the ids
    of the dossiers with a decided step.
    """
    judged = connection.execute(statement("old_steps/judge"), {"dossier_ids": list(dossier_ids), "now": now}).fetchall()
    connection.execute(statement("old_steps/put_off"), {"source_id": source_id, "now": now})
    return [row["dossier_id"] for row in judged]


def old_steps_since(connection: Connection) -> datetime:
    """Return since when the system recognizes old steps (from ``motcua.rule_dates``).

    A transition recorded before this moment always counts, even if it was typed in late.
    """
    row = connection.execute(statement("old_steps/since")).fetchone()
    assert row is not None
    since: datetime = row["since"]
    return since
