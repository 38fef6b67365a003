"""Ends the gate, the last task of every DAG. If work of the run is left undone, the gate fails and names the
reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from motcua.domain.checks import Finding, fault


class RunIncomplete(Exception):
    """A task of the run failed, or work is left that must be retried or needs a person's decision. The run must then
    fail: people notice the work, and a backfill of failed runs repeats the run."""

    def __init__(self, left: Sequence[Finding]) -> None:
        super().__init__(left)
        self.left = left

    def __str__(self) -> str:
        return "; ".join(each.detail for each in self.left)


def demand_nothing_left(
    failed_tasks: Sequence[str], left: Iterable[Finding] = (), done: Iterable[Mapping[str, Any]] = ()
) -> None:
    """End the gate of a run: fail with all findings, or pass if there are none.

    Args:
        failed_tasks: the failed tasks of the run.
        left: findings that the gate itself made.
        done: results of tasks, some of which contain findings under ``left``.

    Raises:
        RunIncomplete: a task failed or something is left; the error has all findings.
    """
    found = [fault("task_failed", task, f"task {task} failed") for task in failed_tasks]
    found += [Finding(**each) for one in done for each in one.get("left") or ()]
    found += left
    if found:
        raise RunIncomplete(found)
