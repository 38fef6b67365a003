"""Whose work is written: the run of a DAG that this process works for.

Airflow runs each task in a process of its own, so that a process works for one run at most. Each connection to the
ledger that it opens meanwhile says so to PostgreSQL, which keeps the run's number with what is written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psycopg
from psycopg.rows import DictRow

from motcua.domain.checks import CHECKS, Finding, fault
from motcua.store.ledger.queries import statement


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a DAG; other DAGs may have runs of the same name."""

    dag_id: str
    run_id: str


class _Work:
    run: Run | None = None
    number: int | None = None


def work_for(run: Run | None) -> None:
    """What connections to the ledger write that are opened from now on, in whichever thread, is kept as this run's."""
    _Work.run, _Work.number = run, None


def say_whose_work(connection: psycopg.Connection[DictRow]) -> None:
    """Has a new session of the ledger say which run it works for, if any; to be committed.

    Raises:
        psycopg.Error: the ledger does not answer, or refuses.
    """
    if _Work.run is None:
        return
    if _Work.number is None:
        row = connection.execute(statement("runs/begin"), asdict(_Work.run)).fetchone()
        assert row is not None
        _Work.number = int(row["run_no"])
    connection.execute("SELECT set_config('motcua.run', %s, FALSE)", (str(_Work.number),))


def leave_undone(connection: psycopg.Connection[DictRow], run: Run, left: Sequence[Finding]) -> None:
    """Keeps what a run's gate found is left: counts and reasons."""
    words = json.dumps([asdict(each) for each in left], ensure_ascii=False)
    connection.execute(statement("runs/leave_undone"), asdict(run) | {"words": words})


def left_of(words: str) -> list[Finding]:
    """What was kept as left; an earlier version kept its gate's words."""
    try:
        return [Finding(**each) for each in json.loads(words) if each["name"] in CHECKS]
    except (ValueError, TypeError):
        return [fault("gate_failed", "", words)]


def red_only_for(connection: psycopg.Connection[DictRow], run_ids: Sequence[str], name: str) -> set[str]:
    """Of these runs, those whose gate found nothing else than what this check asks."""
    rows = connection.execute(statement("runs/red_only_for"), {"run_ids": list(run_ids), "name": name})
    return {row["run_id"] for row in rows}
