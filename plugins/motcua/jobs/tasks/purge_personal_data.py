"""The tasks of the DAG ``purge_personal_data``: empty personal data that is due, remove old files, gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from motcua.domain.checks import fault
from motcua.jobs.gates import demand_nothing_left
from motcua.jobs.personal_data import purge, remove_old_files
from motcua.store.ledger.database import without_values
from motcua.store.personal_data import PurgeNotProvided


@without_values()
def purge_due(run_id: str) -> dict[str, Any]:
    """Empty the personal data that is due. Return the number of rows by kind. If the purge is not set up here, return
    the reason, which makes the gate fail."""
    try:
        return {each.kind: each.rows for each in purge(run_id)}
    except PurgeNotProvided as missing:
        return {"left": [asdict(fault("purge_impossible", "", str(missing)))]}


def remove_files(now: datetime | None = None) -> dict[str, Any]:
    """Remove carrier statements after 90 days, exports after 30 days, and unconfirmed uploads after a day. A file that
    cannot be removed makes the gate fail."""
    done = remove_old_files(now or datetime.now(UTC))
    detail = f"{done.refused} file(s) under statements and files are past their time and cannot be removed"
    left = [asdict(fault("old_files_left", "", detail, files=done.refused))] if done.refused else []
    return {"removed": done.removed} | ({"left": left} if left else {})


def gate(done: Sequence[Mapping[str, Any]], failed_tasks: Sequence[str] = ()) -> None:
    """End the run: fail if a task failed, the purge is not set up, or a file could not be removed.

    Raises:
        RunIncomplete: the run failed; the error has all findings.
    """
    demand_nothing_left(failed_tasks, done=done)
