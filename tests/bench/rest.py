"""What the demo's stack costs with a step a second, and at rest: a province's server rests 22 hours of 24.

Five minutes each, after the start has passed. By part: processor in % of one core, and memory (PSS, which counts what
processes share once). Together: transactions, WAL, logs and task instances. The simulators stand apart: a province has
none of them.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median

import psycopg

from motcua.sandbox.machine.parts import descendants, processes
from motcua.sandbox.machine.supervisor import recorded
from tests.bench import Line
from tests.bench.tails import Demo, whole_demo

_FOR = 300.0
"""Seconds of each part."""
_SETTLES = 90.0
"""Seconds in which what a start brings passes: overdue runs, first pages, caches."""
_EVERY = 15.0
"""Seconds between two looks at memory."""
_SIMULATORS = {"world", "vendor", "clerk", "phone-network", "mailbox"}
_TICKS = os.sysconf("SC_CLK_TCK")
_CORE_AT_REST, _CORE_AT_WORK, _MIB, _LOGS = 15.0, 40.0, 1400, 1.0
"""Most: % of a core, likewise with a step a second, MiB, MB of logs an hour."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """Counters that only grow, at one moment."""

    at: float
    processor: Counter[str]
    """By part: seconds."""
    transactions: int
    wal: int
    logs: Counter[str]
    """Bytes by what writes them."""


@dataclass(slots=True)
class _Stretch:
    """What one stretch of time took."""

    seconds: float = 0.0
    processor: dict[str, float] = field(default_factory=dict)
    """By part: % of a core."""
    memory: dict[str, float] = field(default_factory=dict)
    """By part: MiB, on average."""
    transactions: float = 0.0
    """A second."""
    wal: float = 0.0
    """MB an hour."""
    logs: dict[str, float] = field(default_factory=dict)
    """By what writes them: MB an hour."""
    tasks: float = 0.0
    """Task instances an hour."""


class _Meter:
    """Measures the parts of one demo."""

    def __init__(self, demo: Demo) -> None:
        self._data, self._demo = demo.supervisor.folder, demo
        self._memory: list[Counter[str]] = []
        self._looked = 0.0

    def look(self) -> None:
        """Looks at memory, if the last look is long enough ago."""
        if time.monotonic() < self._looked + _EVERY:
            return
        self._looked = time.monotonic()
        self._memory.append(Counter())
        for part, pid in self._processes():
            self._memory[-1][part] += _pss(pid)

    def measured(self, seconds: float) -> tuple[_Stretch, list[float]]:
        """Lets the demo live for so long; what that took, and how long each step waited that was made in it."""
        self._memory, since, before = [], datetime.now(UTC), self._taken()
        waited = self._demo.passes(seconds, self.look)
        after = self._taken()
        lasted = after.at - before.at
        an_hour = 3600 / lasted
        spent = after.processor - before.processor
        parts = {part for look in self._memory for part in look}
        return _Stretch(
            lasted,
            {part: 100 * spent[part] / lasted for part in spent},
            {part: mean(look[part] for look in self._memory) for part in parts},
            (after.transactions - before.transactions) / lasted,
            (after.wal - before.wal) / 1e6 * an_hour,
            {name: size / 1e6 * an_hour for name, size in (after.logs - before.logs).items()},
            self._demo.task_instances_since(since) * an_hour,
        ), waited

    def _taken(self) -> _Taken:
        spent: Counter[str] = Counter()
        roots = set(recorded(self._data).values())
        for part, pid in self._processes():
            own, ended = _processor(pid)
            spent[part] += own
            # Children that ended are counted by their parent: a scheduler's are tasks and their workers.
            spent[_TASKS if part == _SCHEDULER and pid in roots else part] += ended
        with psycopg.connect(self._demo.admin_dsn) as connection:
            row = connection.execute(_DATABASE).fetchone()
        assert row is not None
        return _Taken(time.monotonic(), spent, row[0], row[1], _logs_in(self._data / "logs"))

    def _processes(self) -> Iterator[tuple[str, int]]:
        """Each process, with the part that it belongs to."""
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


def _processor(pid: int) -> tuple[float, float]:
    """Seconds of a process, and of those of its children that have ended; zero: it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0, 0.0
    ticks = [int(each) for each in stat[stat.rindex(")") + 2 :].split()[11:15]]
    return sum(ticks[:2]) / _TICKS, sum(ticks[2:]) / _TICKS


def _pss(pid: int) -> float:
    """MiB of a process; zero: it is gone."""
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
        # A component's own log, and below airflow/ those of a DAG's tasks.
        sizes["/".join(path.relative_to(folder).parts[:2])] += size
    return sizes


def _lines(when: str, found: _Stretch, most: float) -> list[Line]:
    ours = {part: share for part, share in found.processor.items() if part not in _SIMULATORS}
    theirs = sum(found.processor.values()) - sum(ours.values())
    memory = {part: size for part, size in found.memory.items() if part not in _SIMULATORS}
    core, size = sum(ours.values()), sum(memory.values())
    parts = [
        (f"{when}: of it {part}", f"{share:.1f} %, {memory.get(part, 0):.0f} MiB", "-", True)
        for part, share in sorted(ours.items(), key=lambda each: -each[1])
    ]
    logs = sum(found.logs.values())
    most_logs = sorted(found.logs.items(), key=lambda each: -each[1])[:4]
    return [
        (f"{when}: processor of all parts, % of a core", f"{core:.0f} %", f"≤ {most:.0f} %", core <= most),
        *parts,
        (f"{when}: simulators, which stand apart", f"{theirs:.1f} %", "-", True),
        (f"{when}: memory of all parts (PSS)", f"{size:.0f} MiB", f"≤ {_MIB:,} MiB", size <= _MIB),
        (f"{when}: transactions a second", f"{found.transactions:.0f}", "-", True),
        (f"{when}: WAL an hour", f"{found.wal:.0f} MB", "-", True),
        (f"{when}: logs an hour", f"{logs:.1f} MB", f"≤ {_LOGS:.0f} MB at rest", logs <= _LOGS or most > _CORE_AT_REST),
        *((f"{when}: of it {name}", f"{size:.2f} MB", "-", True) for name, size in most_logs),
        (f"{when}: task instances an hour", f"{found.tasks:.0f}", "-", True),
    ]  # fmt: skip


def bench() -> list[Line]:
    with whole_demo(1) as demo:
        meter = _Meter(demo)
        demo.supervisor.wait(_SETTLES)
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
