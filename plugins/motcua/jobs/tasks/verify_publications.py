"""The tasks of the DAG ``verify_publications``: verify those whose turn it is, gate."""

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
    """Verifies the publications whose turn it is; gives how many, and which could not be looked at."""
    return asdict(verify_in_turn(run_id))


@without_values()
def gate(done: Mapping[str, Any] | None, failed_tasks: Sequence[str] = (), now: datetime | None = None) -> None:
    """The only leaf: red when a task failed, a publication does not hold, could not be looked at, or was not looked at
    for over a month, or a folder of the store is no publication.

    Raises:
        RunIncomplete: with what is left.
    """
    left = left_undone(now or datetime.now(UTC))
    found = done or {}
    if failed := found.get("failed"):
        names = ", ".join(map(str, failed))
        told = f"publication(s) {names} could not be verified, see the log of verify"
        left.append(fault("publication_unverified", names, told))
    if strays := found.get("strays"):
        told = f"{strays} folder(s) of the store hold a manifest that no row names: motcua publications verify-all"
        left.append(fault("publication_stray", "", told, folders=strays))
    demand_nothing_left(failed_tasks, left)
