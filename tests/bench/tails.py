"""Measure the longest waits of citizens in a whole demo: from the commit of a step until the gateway has its message.

The demo begins without older dossiers. The waits are measured at rest (one step after the other, seconds apart), with
five steps a second, while the quality check and the reconciliation run, and after ten thousand steps at once.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from unittest import mock

import psycopg
import requests

from motcua.sandbox.demo import prepare, start_everything
from motcua.sandbox.latency import latencies
from motcua.sandbox.machine.deployment import ADMINISTRATOR, Deployment
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.sandbox.machine.supervisor import Supervisor
from tests.bench import Line

_FOR = 120.0
"""Seconds of each measurement under load."""
_SETTLES = 10.0
"""Seconds to wait until the running work has ended."""
_SINGLE, _APART, _LEAST = 20, 4.0, 20
_BURST, _BEHIND, _GIVE_UP = 10_000, 8.0, 300.0
_REPORTS = ("check_quality", "reconcile_daily")
_AGENCY = "000.00.30.H32"
_STEPS = """
WITH written AS (
    INSERT INTO mot_cua.dossiers (
        agency_code, dossier_code, procedure_code, procedure_name, field_name, applicant_name, applicant_phone,
        phone_entered_at, submitted_via, received_at, due_at, step_name, status_code, at_one_stop_desk, finished_at,
        updated_at
    )
    SELECT %(agency)s, %(prefix)s || n, '1.005129', 'Cấp bản sao', 'Hộ tịch', 'Nguyễn Thị Lan',
        '0905' || lpad(n::text, 6, '0'), now() - interval '2 days', 'direct', now() - interval '2 days',
        now() + interval '2 days', 'Trả kết quả', 9, TRUE, now(), now()
    FROM generate_series(%(first)s::int, %(last)s::int) AS n
    RETURNING agency_code, dossier_code
)
INSERT INTO mot_cua.transitions (
    agency_code, dossier_code, from_step, to_step, status_code, at_one_stop_desk, occurred_at, recorded_at, actor
)
SELECT agency_code, dossier_code, 'Xử lý', 'Trả kết quả', 9, TRUE, now(), now(), 'can.bo' FROM written
"""
_ACCEPTED = """
SELECT extract(epoch FROM m.accepted_at - m.recorded_at) AS seconds
FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id)
WHERE d.dossier_code = %s AND m.accepted_at IS NOT NULL
"""
_LEFT = """
SELECT count(*) AS messages FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id)
WHERE d.dossier_code LIKE %s AND m.accepted_at IS NULL
"""


class Demo:
    """A running demo; the bench writes steps into its source, in addition to those of its simulated world."""

    def __init__(self, supervisor: Supervisor, deployment: Deployment) -> None:
        self.supervisor, self._url = supervisor, f"{deployment.airflow_url}/api/v2"
        self.admin_dsn = EmbeddedPostgres(
            deployment.addresses.data / "postgres", deployment.addresses.postgres
        ).admin_dsn
        self._deployment = deployment
        self._connect()
        token = requests.post(
            f"{deployment.airflow_url}/auth/token",
            json={"username": ADMINISTRATOR, "password": deployment.secret.airflow_admin},
            timeout=30,
        ).json()["access_token"]
        self._airflow = requests.Session()
        self._airflow.headers["Authorization"] = f"Bearer {token}"

    def _connect(self) -> None:
        self._source = psycopg.connect(self._deployment.one_stop.sources["khanhhoa"].writer_dsn, autocommit=True)
        self._ledger = self._deployment.ledger()
        self._ledger.autocommit = True

    def connects_again(self) -> None:
        """Wait until PostgreSQL, whose process died, answers again."""
        self.close()
        until = time.monotonic() + _GIVE_UP
        while True:
            try:
                return self._connect()
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                self.supervisor.wait(0.2)

    def ends_its_world(self) -> None:
        """End the simulated world, so that only the bench writes steps."""
        for name in ("world", "vendor", "clerk"):
            self.supervisor.finish(name)

    def close(self) -> None:
        self._source.close()
        self._ledger.close()

    def passes(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> list[float]:
        """Let the simulated world run for ``seconds``, and return the wait of each of its steps.

        A wait is the seconds from a step until the gateway has accepted its message.
        """
        since, ends = datetime.now(UTC), time.monotonic() + seconds
        while time.monotonic() < ends:
            meanwhile()
            self.supervisor.wait(min(2.0, max(0.0, ends - time.monotonic())))
        until = datetime.now(UTC)
        self.supervisor.wait(_SETTLES)
        return latencies(self.admin_dsn, 100_000, since, until)

    def starts(self, dag_id: str) -> bool:
        runs = f"{self._url}/dags/{dag_id}/dagRuns"
        at_work = self._airflow.get(runs, params={"state": ["running", "queued"]}, timeout=30).json()
        if at_work["total_entries"]:
            return False
        self._airflow.post(runs, json={"logical_date": None}, timeout=30).raise_for_status()
        return True

    def task_instances_since(self, moment: datetime) -> int:
        """Return how many task instances started since a moment."""
        asked = {"start_date_gte": moment.isoformat(), "limit": "1"}
        found = self._airflow.get(f"{self._url}/dags/~/dagRuns/~/taskInstances", params=asked, timeout=30)
        return int(found.json()["total_entries"])

    def results(self, prefix: str, first: int, last: int) -> float:
        values = {"agency": _AGENCY, "prefix": prefix, "first": first, "last": last}
        self._source.execute(_STEPS, values)
        return time.monotonic()

    def accepted_after(self, code: str, committed: float) -> float:
        """Return the seconds from a step's commit until the gateway accepted its message, by the ledger's times."""
        while time.monotonic() < committed + _GIVE_UP:
            if row := self._ledger.execute(_ACCEPTED, (code,)).fetchone():
                return float(row["seconds"])
            self.supervisor.wait(0.2)
        return _GIVE_UP

    def alone(self, prefix: str) -> list[float]:
        seconds = []
        for number in range(_SINGLE):
            self.supervisor.wait(_APART)
            seconds.append(self.accepted_after(f"{prefix}{number}", self.results(prefix, number, number)))
        return seconds

    def left(self, prefix: str) -> int:
        row = self._ledger.execute(_LEFT, (f"{prefix}%",)).fetchone()
        return int(row["messages"]) if row else 0


def _line_of_waits(what: str, seconds: Sequence[float]) -> Line:
    if len(seconds) < _LEAST:
        return (what, f"only {len(seconds)} steps", f"{_LEAST} steps", False)
    cuts = quantiles(seconds, n=100, method="inclusive")
    p50, p95, p99 = cuts[49], cuts[94], cuts[98]
    found = f"p50 {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f}, longest {max(seconds):.2f} s over {len(seconds)}"
    return (what, found, "p50 ≤ 0.5, p95 ≤ 2, p99 ≤ 4 s", p50 <= 0.5 and p95 <= 2 and p99 <= 4)


@contextmanager
def whole_demo(steps_a_second: int) -> Iterator[Demo]:
    """Run a demo without older dossiers, in whose simulated world ``steps_a_second`` steps happen each second."""
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder, mock.patch.dict(os.environ):
        # The tests set MOTCUA_LINGER to three seconds (tests/environment.py). With this value a run would end before a
        # sender of the next run is ready.
        del os.environ["MOTCUA_LINGER"]
        Path(folder).chmod(0o711)
        addresses = prepare(Path(folder), free_ports=True)
        with Supervisor(addresses.data, lambda line: None) as supervisor:
            deployment = start_everything(supervisor, addresses, world=("--rate", str(steps_a_second)))
            with closing(Demo(supervisor, deployment)) as demo:
                yield demo


def bench() -> list[Line]:
    with whole_demo(5) as demo:
        return _measure(demo)


def _measure(demo: Demo) -> list[Line]:
    lines = [
        _line_of_waits(f"step → gateway, the first {_FOR:.0f} s of a demo, five steps a second", demo.passes(_FOR))
    ]
    lines.append(_line_of_waits(f"five steps a second, {_FOR:.0f} s", demo.passes(_FOR)))
    runs = 0

    def report() -> None:
        nonlocal runs
        runs += sum(demo.starts(dag_id) for dag_id in _REPORTS)

    seconds = demo.passes(_FOR, report)
    lines.append(_line_of_waits(f"beside {runs} runs of {' and '.join(_REPORTS)}, {_FOR:.0f} s", seconds))
    demo.ends_its_world()
    demo.supervisor.wait(_SETTLES)
    lines.append(_line_of_waits(f"one step every {_APART:.0f} s and nothing else", demo.alone("R-")))
    committed = demo.results("B-", 1, _BURST)
    demo.supervisor.wait(_BEHIND)
    single = demo.accepted_after("S-1", demo.results("S-", 1, 1))
    left = demo.left("B-")
    lines.append(
        (
            f"one step {_BEHIND:.0f} s behind {_BURST:,} of the same agency",
            f"{single:.1f} s; {left:,} of the {_BURST:,} were left",
            "≤ 10 s",
            single <= 10,
        )
    )
    while demo.left("B-") and time.monotonic() < committed + _GIVE_UP:
        demo.supervisor.wait(1)
    # For a while after the burst, pick-ups read its steps again, because an older step may be committed late.
    after = demo.alone("A-")
    found = f"p50 {median(after):.2f}, longest {max(after):.2f} s over {len(after)}"
    lines.append((f"one step every {_APART:.0f} s after the burst is sent", found, "≤ 10 s", max(after) <= 10))
    return lines
