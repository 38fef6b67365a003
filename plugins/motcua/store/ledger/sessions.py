"""Name the ledger sessions of a process, end the sessions of frozen processes, and tag sessions with a run.

All sessions of one running process have the same name. Another process that finds this process frozen can therefore end
exactly these sessions.

Airflow runs each task in its own process, so that a process works for at most one run. Each ledger session that the
process opens gives PostgreSQL the run's number, and the ledger stores this number with the rows that the session
writes.
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
class RunningProcess:
    """A running process that has sessions of the ledger."""

    name: str
    alive_at: datetime
    """When the process last gave a heartbeat."""
    silent_for: float
    """Seconds since the last heartbeat. ``alive_at`` and this value use the database server's clock."""


class _Process:
    name: str | None = None


def new_name() -> str:
    """Return a new name for the sessions of one process. include/sql/sessions.sql relies on the form of the name."""
    return f"motcua at work {secrets.token_hex(8)}"


def set_session_name(name: str | None) -> None:
    """Set the name of all sessions that this process opens from now on, in any thread. ``None`` gives sessions no
    name."""
    _Process.name = name


def name_session(connection: psycopg.Connection[DictRow]) -> None:
    """Give a new session the name of its process. The caller commits.

    Raises:
        psycopg.Error: the ledger does not answer.
    """
    if _Process.name is not None:
        connection.execute(statement("sessions/name"), {"name": _Process.name})


def begin_beats(connection: psycopg.Connection[DictRow], name: str) -> None:
    """Prepare a session for the heartbeats of the process with this name.

    The session's SQL statements wait at most half a second for a row that another session has locked. Its commits do
    not wait for the disk.
    """
    connection.execute(statement("sessions/begin_beats"), {"name": f"{name} beats"})


def other_processes(connection: psycopg.Connection[DictRow], own: str) -> list[RunningProcess]:
    """Return the other running processes.

    The caller must have no open transaction, because inside a transaction PostgreSQL repeats its first answer.
    """
    return values_of(RunningProcess, connection.execute(statement("sessions/others_at_work"), {"own": own}))


def end_sessions(connection: psycopg.Connection[DictRow], names: Sequence[str]) -> int:
    """End all sessions of these processes and return how many there were."""
    return int(first(connection.execute(statement("sessions/end"), {"names": list(names)}), "ended") or 0)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a DAG. Runs of other DAGs may have the same ``run_id``."""

    dag_id: str
    run_id: str


class _Work:
    run: Run | None = None
    number: int | None = None


def work_for(run: Run | None) -> None:
    """Tag the ledger sessions that this process opens from now on, in any thread, with this run.

    ``None`` ends the tagging.
    """
    _Work.run, _Work.number = run, None


def tag_session_with_run(connection: psycopg.Connection[DictRow]) -> None:
    """Set the number of the process's run, if there is one, in a new session of the ledger. The caller commits.

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


def save_left_undone(connection: psycopg.Connection[DictRow], run: Run, left: Sequence[Finding]) -> None:
    """Store in ``runs`` what a run left undone, as the findings of its last task (the gate)."""
    words = json.dumps([asdict(each) for each in left], ensure_ascii=False)
    connection.execute(statement("runs/leave_undone"), asdict(run) | {"words": words})


def parse_left_undone(words: str) -> list[Finding]:
    """Return the findings in a stored ``left_undone`` text. An earlier version stored a text of the gate instead of
    JSON."""
    try:
        return [Finding(**each) for each in json.loads(words) if each["name"] in CHECKS]
    except (ValueError, TypeError):
        return [fault("gate_failed", "", words)]


def red_only_for(connection: psycopg.Connection[DictRow], run_ids: Sequence[str], name: str) -> set[str]:
    """Return which of these runs failed only because of findings with this name that their gates made.

    Runs of earlier versions, which stored words instead of findings, are left out.
    """
    rows = connection.execute(statement("runs/red_only_for"), {"run_ids": list(run_ids), "name": name})
    return {row["run_id"] for row in rows}
