"""The tasks of the DAG ``verify_publications``: verify the publications that are next in turn, gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from motcua.domain.checks import fault
from motcua.jobs.gates import demand_nothing_left
from motcua.jobs.publications.verifying_in_turn import left_undone, verify_in_turn
from motcua.store.ledger.database import without_values


@without_values()
def verify(run_id: str) -> dict[str, Any]:
    """Verify the publications that are next in turn. Return how many were verified, and which could not be verified."""
    return asdict(verify_in_turn(run_id))


@without_values()
def gate(done: Mapping[str, Any] | None, failed_tasks: Sequence[str] = (), now: datetime | None = None) -> None:
    """End the run: fail if a task failed, if a verification found a fault, if a publication could not be verified or
    was not verified for over a month, or if a folder of the store belongs to no publication.

    Raises:
        RunIncomplete: the run failed; the error has all findings.
    """
    left = left_undone(now or datetime.now(UTC))
    found = done or {}
    if failed := found.get("failed"):
        names = ", ".join(map(str, failed))
        detail = f"publication(s) {names} could not be verified, see the log of verify"
        left.append(fault("publication_unverified", names, detail))
    if strays := found.get("strays"):
        detail = f"{strays} folder(s) of the store hold a manifest that no row names: motcua publications verify-all"
        left.append(fault("publication_stray", "", detail, folders=strays))
    demand_nothing_left(failed_tasks, left)
