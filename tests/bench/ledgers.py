"""Provide a fresh ledger for a bench, fill it before the measurement, and measure the processor time used."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from motcua.settings import settings
from tests.bench import Line
from tests.ground import (
    ask,
    connection_uri,
    make_ledger,
    own_server,
)

SEED = """
INSERT INTO motcua.agencies (agency_code, name, short_name, enabled_from)
VALUES ('000.00.30.H32', 'Ủy ban nhân dân thành phố Nha Trang', 'UBND TP Nha Trang', now() - interval '1 day');
INSERT INTO motcua.sources (name) VALUES ('bench');
INSERT INTO motcua.gateways (name) VALUES ('kannel');
"""
DOSSIERS = """
INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, msisdn, picked_up_at)
SELECT 1, '000.00.30.H32', %(prefix)s || n, '+849051' || lpad((n %% 100000)::text, 5, '0'), now()
FROM generate_series(1, %(count)s) AS n
"""
TRANSITIONS = """
INSERT INTO motcua.transitions (
    source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk, occurred_at, recorded_at,
    picked_up_at
)
SELECT 1, d.dossier_id * 10 + step, d.dossier_id, d.dossier_id * 10 + step, CASE step WHEN 4 THEN 9 ELSE 4 END,
    step = 4, now(), now(), now()
FROM motcua.dossiers AS d, generate_series(1, 4) AS step
WHERE d.dossier_code LIKE %(prefix)s || '%%' AND step > 4 - %(steps)s
"""


@contextlib.contextmanager
def ledger() -> Iterator[str]:
    """Create a new ledger, let the connection ``motcua_db`` lead to it, and yield an administrator's DSN for it."""
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder, own_server(Path(folder), "") as server:
        dsn = make_ledger(server.admin_dsn)
        os.environ["AIRFLOW_CONN_MOTCUA_DB"] = connection_uri(server.admin_dsn, "motcua_app", "motcua")
        os.environ["MOTCUA_JOURNAL"] = f"{folder}/journal"
        settings.cache_clear()
        ask(dsn, SEED)
        yield dsn


def on_a_ledger(bench: Callable[[str], list[Line]]) -> Callable[[], list[Line]]:
    """Return the bench as a function that runs with a ledger of its own."""

    def run() -> list[Line]:
        with ledger() as dsn:
            return bench(dsn)

    return run


def seed(dsn: str, prefix: str, dossiers: int, steps: int = 1) -> None:
    ask(dsn, DOSSIERS, {"prefix": prefix, "count": dossiers})
    ask(dsn, TRANSITIONS, {"prefix": prefix, "steps": steps})
    ask(dsn, "ANALYZE")


def server_of(dsn: str) -> int:
    """Return the process id of the ledger's main server process, the parent of all other server processes."""
    (row,) = ask(dsn, "SELECT pg_read_file('postmaster.pid', 0, 20) AS written")
    return int(row["written"].split()[0])


def _processor_seconds(pid: int, *, with_children: bool) -> float:
    """Return the processor seconds of a process.

    ``with_children`` adds the seconds of all processes below this process, including ended processes.
    """
    process = psutil.Process(pid)
    used = process.cpu_times()
    total = used.user + used.system
    if with_children:
        total += used.children_user + used.children_system
        for child in process.children():
            with suppress(psutil.NoSuchProcess):
                total += _processor_seconds(child.pid, with_children=True)
    return float(total)


def seconds_of(processes: Mapping[str, int]) -> dict[str, float]:
    """Return the processor seconds that each named process and its descendants have used so far.

    This process itself is counted without its descendants.
    """
    return {name: _processor_seconds(pid, with_children=pid != os.getpid()) for name, pid in processes.items()}


@contextmanager
def used_by(processes: Mapping[str, int]) -> Iterator[dict[str, float]]:
    """Yield a mapping that holds, after the block, the processor seconds that each process used within the block.

    The processes must still be alive at the end of the block.
    """
    used: dict[str, float] = {}
    before = seconds_of(processes)
    yield used
    # Wait, because right after its end a PostgreSQL session counts neither as alive nor as an ended child.
    time.sleep(0.5)
    used.update({name: now - before[name] for name, now in seconds_of(processes).items()})


@dataclass
class Most:
    value: float


@contextmanager
def most_of(measure: Callable[[], float], apart: float = 0.1) -> Iterator[Most]:
    """Call ``measure`` before the block and every ``apart`` seconds during it, and yield the largest value.

    Without the first call, a block that is shorter than ``apart`` would have the value 0.
    """
    most, over = Most(measure()), threading.Event()

    def look() -> None:
        while not over.wait(apart):
            most.value = max(most.value, measure())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield most
    finally:
        over.set()
        looking.join()


def each(used: Mapping[str, float], count: int) -> str:
    return ", ".join(f"{name} {seconds / count * 1000:.2f}" for name, seconds in used.items()) + " ms"
