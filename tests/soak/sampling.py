"""Measure processes, connections and tables once per minute of the day, and judge whether these values stay flat.

A value stays flat if its median in the last third of the day exceeds its median in the middle third by no more than a
margin. The growth per hour is computed too, but only to be shown.
"""

from __future__ import annotations

import contextlib
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.soak.stage import NETWORKS, WORKERS, Stage

WARM_UP = 0.25
"""Share of a series that is left out at its beginning, because caches fill and modules are loaded then."""
_MOST_PAIRS = 400
"""Largest number of samples from which a slope is computed; they are chosen evenly."""


@dataclass(frozen=True)
class Margin:
    """How far the last third's median may exceed the middle third's median: a share of the middle third's median, plus
    a constant."""

    share: float
    rest: float

    def __str__(self) -> str:
        return f"+{100 * self.share:.0f} % +{self.rest:,.0f}"


@dataclass
class Series:
    """The samples of one measured quantity: (hour of the day, value)."""

    subject: str
    unit: str
    margin: Margin
    points: list[tuple[float, float]] = field(default_factory=list)

    def add(self, hour: float, value: float) -> None:
        self.points.append((hour, value))


@dataclass(frozen=True)
class Trend:
    """Medians of the middle and the last third of a series after its warm-up, and its growth per hour."""

    middle: float
    last: float
    per_hour: float
    samples: int


def trend(points: Sequence[tuple[float, float]]) -> Trend:
    """Return how a series changes after its warm-up.

    Raises:
        ValueError: The series has fewer than 12 samples.
    """
    if len(points) < 12:
        raise ValueError("too few samples")
    kept = sorted(points)[int(len(points) * WARM_UP) :]
    third = len(kept) // 3
    middle, last = kept[third : 2 * third], kept[2 * third :]
    return Trend(
        statistics.median(value for _, value in middle),
        statistics.median(value for _, value in last),
        _slope(kept),
        len(points),
    )


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope by Theil and Sen: the median of the slopes between all pairs."""
    step = max(1, len(points) // _MOST_PAIRS)
    chosen = points[::step]
    slopes = [
        (b[1] - a[1]) / (b[0] - a[0]) for place, a in enumerate(chosen) for b in chosen[place + 1 :] if b[0] > a[0]
    ]
    return statistics.median(slopes) if slopes else 0.0


def is_flat(found: Trend, margin: Margin) -> bool:
    """Return whether the last third is above the middle third by no more than the margin."""
    return found.last <= found.middle * (1 + margin.share) + margin.rest


def rising(series: Iterable[Series]) -> list[Series]:
    return [each for each in series if not is_flat(trend(each.points), each.margin)]


MEMORY, FILES, CONNECTIONS = Margin(0.03, 6.0), Margin(0.0, 8.0), Margin(0.0, 3.0)
ROWS = Margin(0.25, 0.25)
"""Margin for the number of living rows per message."""
_LEAST = 0.2
"""A process is judged only if it ran for at least this share of the day's span."""
_TABLES = """
SELECT s.relname, pg_total_relation_size(s.relid), s.n_dead_tup, s.n_live_tup
FROM pg_stat_user_tables AS s WHERE s.schemaname IN ('motcua', 'quality', 'statements', 'audit')
"""
_CONNECTIONS = """
SELECT usename, count(*) FROM pg_stat_activity WHERE datname = 'motcua' AND usename LIKE 'motcua%' GROUP BY usename
"""
_ROLES = ("motcua_app", "motcua_callbacks")


@dataclass
class Samples:
    processes: dict[tuple[str, str], Series] = field(default_factory=dict)
    """Series by process (name and id) and by what is measured."""
    connections: dict[str, Series] = field(default_factory=dict)
    tables: dict[str, Series] = field(default_factory=dict)
    dead: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """Dead rows of all tables together, for each hundred living rows."""
    size: list[tuple[float, float]] = field(default_factory=list)
    """Size of all tables in MB."""
    taken: int = 0

    def take(self, stage: Stage, hour: float) -> None:
        """Take one sample of each series; leave out processes and servers that do not answer now."""
        self.taken += 1
        for name in (*NETWORKS, "callbacks", *WORKERS):
            if (part := stage.parts.get(name)) is not None and (pid := part.pid) is not None:
                self._sample_process(f"{name} #{part.starts}", pid, hour)
        if (memory := _private_of_children(stage.postgres_pid)) is not None:
            self._series("PostgreSQL, its processes", "memory", "MB", MEMORY).add(hour, memory)
        with contextlib.suppress(psycopg.Error), psycopg.connect(stage.ledger_dsn, autocommit=True) as ledger:
            there = dict(ledger.execute(_CONNECTIONS).fetchall())
            rows = ledger.execute(_TABLES).fetchall()
            ((messages,),) = ledger.execute("SELECT count(*) FROM motcua.messages").fetchall()
            for role in _ROLES:
                series = self.connections.setdefault(role, Series(f"connections of {role}", "", CONNECTIONS))
                series.add(hour, there.get(role, 0))
            for name, _, _, living in rows:
                series = self.tables.setdefault(name, Series(f"table {name}", "rows a message", ROWS))
                series.add(hour, living / max(1, messages))
            self.size.append((hour, sum(size for _, size, _, _ in rows) / 1e6))
            living = sum(live for _, _, _, live in rows)
            self.dead["all"].append((hour, 100 * sum(dead for _, _, dead, _ in rows) / max(1, living)))

    def _sample_process(self, name: str, pid: int, hour: float) -> None:
        with contextlib.suppress(OSError, IndexError, ValueError):
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
            self._series(name, "memory", "MB", MEMORY).add(hour, pages * 4096 / 1e6)
            self._series(name, "open files", "", FILES).add(hour, files)

    def _series(self, name: str, measure: str, unit: str, margin: Margin) -> Series:
        return self.processes.setdefault((name, measure), Series(f"{name}: {measure}", unit, margin))

    def judged(self) -> list[Series]:
        """Return the series of processes that lived long enough."""
        least = max(12, int(self.taken * _LEAST))
        return [series for series in self.processes.values() if len(series.points) >= least]


def sizes_and_built_anew(stage: Stage) -> dict[str, tuple[int, int]]:
    """Return, by table, its bytes with indexes before and after VACUUM FULL rewrote the table."""
    with psycopg.connect(stage.ledger_dsn, autocommit=True) as ledger:
        left = {name: size for name, size, _, _ in ledger.execute(_TABLES).fetchall()}
        ledger.execute("VACUUM (FULL)")
        anew = {name: size for name, size, _, _ in ledger.execute(_TABLES).fetchall()}
    return {name: (size, anew[name]) for name, size in left.items()}


def _private_of_children(pid: int | None) -> float | None:
    """Return the unshared memory of a process and its children in MB, ``None`` if none of them exists."""
    total, found = 0, False
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid or int(folder.name) == pid:
                lines = (folder / "status").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
                found = True
    return total / 1000 if found else None
