"""Measure the resources that all programs of the demo use, with a step a second and at rest.

The server of a province is at rest 22 hours of 24. Each measurement takes five minutes, after the effects of the start
are over. The bench measures the processor time of each part in % of one core, and its memory (PSS, which counts shared
memory once). For all parts together it measures transactions, write-ahead log, logs and task instances. The simulators
are counted separately, because a province has none of them.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean, median

import psycopg

from motcua.sandbox.machine.parts import descendants, processes
from motcua.sandbox.machine.supervisor import recorded
from tests.bench import Line
from tests.bench.tails import Demo, whole_demo

_FOR = 300.0
"""Seconds of each measurement."""
_SETTLES = 90.0
"""Seconds until the effects of the start are over: overdue runs, first pages, caches."""
_EVERY = 15.0
"""Seconds between two measurements of memory."""
_SIMULATORS = {"world", "vendor", "clerk", "phone-network", "mailbox"}
_TICKS = os.sysconf("SC_CLK_TCK")
_CORE_AT_REST, _CORE_AT_WORK, _MIB, _LOGS = 15.0, 40.0, 1400, 1.0
"""Limits: % of a core at rest, % of a core with a step a second, MiB of memory, MB of logs an hour."""


@dataclass(frozen=True, slots=True)
class _Counters:
    """Values, at one moment, of counters that only grow."""

    at: float
    processor: Counter[str]
    """Processor seconds of each part."""
    transactions: int
    wal: int
    logs: Counter[str]
    """Bytes of logs, by their writer."""


@dataclass(slots=True)
class _Usage:
    """The resources that the demo used in one period of time."""

    seconds: float = 0.0
    processor: dict[str, float] = field(default_factory=dict)
    """Processor time in % of one core, by part."""
    memory: dict[str, float] = field(default_factory=dict)
    """Average memory in MiB, by part."""
    transactions: float = 0.0
    """Number of PostgreSQL's transactions a second."""
    wal: float = 0.0
    """MB of the write-ahead log an hour."""
    logs: dict[str, float] = field(default_factory=dict)
    """MB of logs an hour, by their writer."""
    tasks: float = 0.0
    """Number of task instances an hour."""


class _Meter:
    """Measures the resources that the parts of one demo use."""

    def __init__(self, demo: Demo) -> None:
        self._data, self._demo = demo.supervisor.folder, demo
        self._memory: list[Counter[str]] = []
        self._measured_at = 0.0

    def look(self) -> None:
        """Measure the memory, unless the last measurement was less than ``_EVERY`` seconds ago."""
        if time.monotonic() < self._measured_at + _EVERY:
            return
        self._measured_at = time.monotonic()
        self._memory.append(Counter())
        for part, pid in self._processes():
            self._memory[-1][part] += _pss(pid)

    def measured(self, seconds: float) -> tuple[_Usage, list[float]]:
        """Let the demo run for ``seconds``; return its usage, and the wait of each step.

        A wait is the seconds from a step until the gateway has accepted its message.
        """
        self._memory, since, before = [], datetime.now(UTC), self._counters()
        waited = self._demo.passes(seconds, self.look)
        after = self._counters()
        lasted = after.at - before.at
        an_hour = 3600 / lasted
        spent = after.processor - before.processor
        parts = {part for look in self._memory for part in look}
        return _Usage(
            lasted,
            {part: 100 * spent[part] / lasted for part in spent},
            {part: mean(look[part] for look in self._memory) for part in parts},
            (after.transactions - before.transactions) / lasted,
            (after.wal - before.wal) / 1e6 * an_hour,
            {name: size / 1e6 * an_hour for name, size in (after.logs - before.logs).items()},
            self._demo.task_instances_since(since) * an_hour,
        ), waited

    def _counters(self) -> _Counters:
        spent: Counter[str] = Counter()
        roots = set(recorded(self._data).values())
        for part, pid in self._processes():
            own, ended = _processor_seconds(pid)
            spent[part] += own
            # The kernel adds the time of ended children to their parent. The ended children of the scheduler are tasks
            # and the workers that ran them.
            spent[_TASKS if part == _SCHEDULER and pid in roots else part] += ended
        with psycopg.connect(self._demo.admin_dsn) as connection:
            row = connection.execute(_DATABASE).fetchone()
        assert row is not None
        return _Counters(time.monotonic(), spent, row[0], row[1], _logs_in(self._data / "logs"))

    def _processes(self) -> Iterator[tuple[str, int]]:
        """Yield each process, with the part that it belongs to."""
        alive = processes()
        for name, root in recorded(self._data).items():
            yield name, root
            for process in descendants(root, alive.values()):
                yield _TASKS if name == _SCHEDULER else name, process.pid


_SCHEDULER, _TASKS = "airflow-scheduler", "tasks and their workers"
_DATABASE = """
SELECT
    (SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_stat_database),
    (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint
"""


def _processor_seconds(pid: int) -> tuple[float, float]:
    """Return the processor seconds of a process and of its ended children, 0 if the process is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0, 0.0
    ticks = [int(each) for each in stat[stat.rindex(")") + 2 :].split()[11:15]]
    return sum(ticks[:2]) / _TICKS, sum(ticks[2:]) / _TICKS


def _pss(pid: int) -> float:
    """Return the memory of a process in MiB, 0 if the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _logs_in(folder: Path) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for path in folder.rglob("*"):
        try:
            size = path.lstat().st_size if path.is_file() else 0
        except OSError:
            continue
        # Add up sizes by the first two parts of the path: each program's log and each DAG's task logs have their own
        # sum.
        sizes["/".join(path.relative_to(folder).parts[:2])] += size
    return sizes


def _lines(when: str, found: _Usage, most: float) -> list[Line]:
    ours = {part: share for part, share in found.processor.items() if part not in _SIMULATORS}
    theirs = sum(found.processor.values()) - sum(ours.values())
    memory = {part: size for part, size in found.memory.items() if part not in _SIMULATORS}
    core, size = sum(ours.values()), sum(memory.values())
    parts = [
        (f"{when}: share of {part}", f"{share:.1f} %, {memory.get(part, 0):.0f} MiB", "-", True)
        for part, share in sorted(ours.items(), key=lambda each: -each[1])
    ]
    logs = sum(found.logs.values())
    most_logs = sorted(found.logs.items(), key=lambda each: -each[1])[:4]
    return [
        (f"{when}: processor of all parts, % of a core", f"{core:.0f} %", f"≤ {most:.0f} %", core <= most),
        *parts,
        (f"{when}: simulators, counted separately", f"{theirs:.1f} %", "-", True),
        (f"{when}: memory of all parts (PSS)", f"{size:.0f} MiB", f"≤ {_MIB:,} MiB", size <= _MIB),
        (f"{when}: transactions a second", f"{found.transactions:.0f}", "-", True),
        (f"{when}: WAL an hour", f"{found.wal:.0f} MB", "-", True),
        (f"{when}: logs an hour", f"{logs:.1f} MB", f"≤ {_LOGS:.0f} MB at rest", logs <= _LOGS or most > _CORE_AT_REST),
        *((f"{when}: logs an hour, {name}", f"{size:.2f} MB", "-", True) for name, size in most_logs),
        (f"{when}: task instances an hour", f"{found.tasks:.0f}", "-", True),
    ]  # fmt: skip


_REPORTS_TO_COME = """
SELECT count(*) FROM dag
WHERE
    NOT is_paused AND dag_id NOT IN ('notify_transitions', 'settle_messages')
    AND (
        next_dagrun_create_after < now() + %(within)s
        OR dag_id IN (SELECT r.dag_id FROM dag_run AS r WHERE r.state IN ('queued', 'running'))
    )
"""


def _wait_for_reports(demo: Demo) -> None:
    """Wait until no daily report is running, and none is due before the end of both measurements.

    A demo plans a day's apologies and makes its reports within its first ten minutes. A province does this work once a
    day, so this work must not fall into a measurement of five minutes.
    """
    within = {"within": timedelta(seconds=2 * _FOR + _SETTLES + 60)}
    with psycopg.connect(demo.admin_dsn, dbname="motcua_airflow", autocommit=True) as airflow:
        while airflow.execute(_REPORTS_TO_COME, within).fetchone() != (0,):
            demo.supervisor.wait(_EVERY)


def bench() -> list[Line]:
    with whole_demo(1) as demo:
        meter = _Meter(demo)
        demo.supervisor.wait(_SETTLES)
        _wait_for_reports(demo)
        working, waited = meter.measured(_FOR)
        demo.ends_its_world()
        demo.supervisor.wait(_SETTLES)
        resting, _ = meter.measured(_FOR)
    p50 = median(waited) if waited else float("inf")
    return [
        *_lines("at rest", resting, _CORE_AT_REST),
        *_lines("a step a second", working, _CORE_AT_WORK),
        (f"a step a second: step → gateway, {len(waited)} steps", f"p50 {p50:.2f} s", "≤ 0.5 s", p50 <= 0.5),
    ]
