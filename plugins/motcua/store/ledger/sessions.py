"""Sessions of the ledger: which process works with them, who is silent, their end, and whose work they write.

A process at work has all its sessions called by one name, so that who finds it frozen can end them, and no others.

Airflow runs each task in a process of its own, so that a process works for one run at most. Each connection to the
ledger that it opens meanwhile says so to PostgreSQL, which keeps the run's number with what is written.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import psycopg
from psycopg.rows import DictRow

from motcua.domain.checks import CHECKS, Finding, fault
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, values_of


@dataclass(frozen=True, slots=True)
class AtWork:
    """Another process at work."""

    name: str
    alive_at: datetime
    """When it last gave a sign of life."""
    silent_for: float
    """Seconds since then; both by the server's clock."""


class _Process:
    name: str | None = None


def new_name() -> str:
    """A name for the sessions of one process; include/sql/sessions knows its form."""
    return f"motcua at work {secrets.token_hex(8)}"


def call_sessions(name: str | None) -> None:
    """What sessions are called that this process opens from now on, in whichever thread; ``None``: nothing."""
    _Process.name = name


def say_who_works(connection: psycopg.Connection[DictRow]) -> None:
    """Has a new session be called as its process says; to be committed.

    Raises:
        psycopg.Error: the ledger does not answer.
    """
    if _Process.name is not None:
        connection.execute(statement("sessions/name"), {"name": _Process.name})


def begin_beats(connection: psycopg.Connection[DictRow], name: str) -> None:
    """Makes a session the one for the beats of the process of this name: never long behind a row that another one
    holds, and without waiting for the disk."""
    connection.execute(statement("sessions/begin_beats"), {"name": f"{name} beats"})


def others_at_work(connection: psycopg.Connection[DictRow], own: str) -> list[AtWork]:
    """The other processes at work; outside a transaction, in which PostgreSQL would show again what it showed first."""
    return values_of(AtWork, connection.execute(statement("sessions/others_at_work"), {"own": own}))


def end_sessions(connection: psycopg.Connection[DictRow], names: Sequence[str]) -> int:
    """Ends all sessions of these processes; how many there were."""
    return int(first(connection.execute(statement("sessions/end"), {"names": list(names)}), "ended") or 0)


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
