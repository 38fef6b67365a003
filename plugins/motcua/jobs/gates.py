"""What the last task of every DAG says when it is red."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from motcua.domain.checks import Finding, fault


class RunIncomplete(Exception):
    """Something failed that may be retried; the run must be red, so that a backfill finds it."""

    def __init__(self, left: Sequence[Finding]) -> None:
        super().__init__(left)
        self.left = left

    def __str__(self) -> str:
        return "; ".join(each.detail for each in self.left)


def demand_nothing_left(
    failed_tasks: Sequence[str], left: Iterable[Finding] = (), done: Iterable[Mapping[str, Any]] = ()
) -> None:
    """Ends a gate.

    Args:
        failed_tasks: of the run.
        left: what the gate found.
        done: what tasks gave, some of them with findings as ``left``.

    Raises:
        RunIncomplete: with what is left.
    """
    found = [fault("task_failed", task, f"task {task} failed") for task in failed_tasks]
    found += [Finding(**each) for one in done for each in one.get("left") or ()]
    found += left
    if found:
        raise RunIncomplete(found)
