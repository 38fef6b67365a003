"""What the last task of every DAG says when it is red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class RunIncomplete(Exception):
    """Something failed that may be retried; the run must be red, so that a backfill finds it."""


def demand_nothing_left(done: Sequence[Mapping[str, Any]], failed_tasks: Sequence[str]) -> None:
    """For tasks that give what they left undone as ``left``.

    Raises:
        RunIncomplete: with what is left.
    """
    left = [f"task {task} failed" for task in failed_tasks]
    left += [str(each["left"]) for each in done if each.get("left")]
    if left:
        raise RunIncomplete("; ".join(left))
