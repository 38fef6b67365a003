"""Prove that Airflow's own database and logs do not grow over ninety days if the project's DAG cleans them each night.

Airflow itself creates the database. SQL statements of this proof write the rows that a running installation writes in
each minute. A day takes seconds here. An explicit VACUUM each night therefore replaces autovacuum, and the cleaning
program is started only once, because its start takes longer than its work.
"""

from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from motcua.jobs.tasks.clean_airflow import clean_database, gate, remove_logs
from motcua.jobs.upkeep import cleaning
from motcua.settings import settings
from motcua.store.ledger.database import close_ledger_pool
from motcua.store.ledger.provisioning import with_database
from tests.ground import PASSWORD
from tests.integration.upkeep.airflow_rows import AirflowRows, make_airflow_database
from tests.prove import Figure
from tests.prove.worlds.ledgers import proving_ledger, proving_server

DAYS = 90
KEEP = 30
FLAT, FEW = 1.1, 10
"""In the second half of the measured days a size may be at most ``FLAT`` times its value in the first half, plus
``FEW``.

``FEW`` is for small tables, in which the rows of an old DAG version may remain for one more day.
"""
_TASKS = ("find_sources", "pick_up", "plan", "send", "gate")
_STARTS = datetime(2026, 8, 1, tzinfo=UTC)
_TABLES = (
    "dag_run", "task_instance", "xcom", "log", "asset_event", "dagrun_asset_event", "celery_taskmeta", "dag_version",
)  # fmt: skip


def figures(seed: int, share: float = 2 / 3) -> list[Figure]:
    """Simulate ``share`` of the ninety days, and return how large each table, the database and the logs were."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="motcua-upkeep-") as name:
        folder = Path(name)
        logs, home = folder / "logs", folder / "airflow"
        logging.getLogger("motcua.jobs.upkeep").setLevel(logging.WARNING)
        for each in (logs, home):
            each.mkdir()
        with (
            mock.patch.dict(os.environ),
            proving_server(folder) as admin,
            proving_ledger(admin, "ledger"),
        ):
            environment = make_airflow_database(admin, "airflow_upkeep", "airflow", home, PASSWORD)
            os.environ.update(environment)
            # The cleaning reads these settings from the environment of its process, as in a task.
            os.environ["AIRFLOW__LOGGING__BASE_LOG_FOLDER"] = str(logs)
            os.environ["AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY"] = str(logs / "dag_processor")
            settings.cache_clear()
            program = _SingleProcessProgram()
            try:
                with mock.patch.object(cleaning.subprocess, "run", program.run):
                    return _nights(round(DAYS * share), with_database(admin, "airflow_upkeep"), logs, rng)
            finally:
                program.close()
                close_ledger_pool()
                settings.cache_clear()


class _SingleProcessProgram:
    """A stand-in for the cleaning program that runs all its calls in one process."""

    _LOOP = (
        "import json, sys; from motcua.jobs.upkeep.airflow_tables import main\n"
        "for line in sys.stdin: main(*json.loads(line)); print('CLEANED', flush=True)"
    )

    def __init__(self) -> None:
        self._started: subprocess.Popen[str] | None = None

    def run(self, command: list[str], env: dict[str, str], **_: object) -> subprocess.CompletedProcess[bytes]:
        """Let the program clean once, and return its output; this method replaces ``subprocess.run``.

        An error of the program ends its process, and the proof then fails.
        """
        if self._started is None:
            pipe = subprocess.PIPE
            loop = [sys.executable, "-c", self._LOOP]
            self._started = subprocess.Popen(loop, stdin=pipe, stdout=pipe, env=env, text=True)
        requests, answers = self._started.stdin, self._started.stdout
        assert requests is not None
        assert answers is not None
        requests.write(json.dumps(command[-2:]) + "\n")
        requests.flush()
        said = []
        while (line := answers.readline()) not in ("", "CLEANED\n"):
            said.append(line)
        return subprocess.CompletedProcess(command, 0, "".join(said).encode())

    def close(self) -> None:
        if self._started is not None:
            self._started.communicate()


def _nights(days: int, dsn: str, logs: Path, rng: random.Random) -> list[Figure]:
    rows = AirflowRows(dsn)
    for dag_id in ("notify_transitions", "settle_messages", "check_quality"):
        rows.dag(dag_id, _STARTS - timedelta(days=1))
    rows.runs("check_quality", [_STARTS], ["check"], state="running", task_state="deferred")
    sizes: list[dict[str, int]] = []
    for day in range(days):
        began = _STARTS + timedelta(days=day)
        moments = [began + timedelta(minutes=minute, microseconds=rng.randrange(50_000_000)) for minute in range(1440)]
        bad = set(rng.sample(moments, 12))
        rows.runs("notify_transitions", [each for each in moments if each not in bad], _TASKS)
        rows.runs("notify_transitions", sorted(bad), _TASKS, state="failed")
        for moment in bad:
            if rng.random() < 0.5:
                rows.note("notify_transitions", moment, "đã xem")
        rows.runs("settle_messages", moments[::4], ("settle", "gate"))
        if day % 10 == 9:
            rows.version("notify_transitions", day // 10 + 2, began)
        _write_logs(logs, moments, began)
        night = began + timedelta(days=1, hours=4, minutes=15)
        gate([clean_database(night), remove_logs(night)])
        rows.connection.execute("VACUUM (ANALYZE)")
        sizes.append(_sizes(rows, logs))
    rows.connection.close()
    # Sizes must stop growing as soon as the first rows are old enough to be deleted. So divide the days after that time
    # into two halves, and compare them.
    half = (days - KEEP - 5) // 2
    steady, last = sizes[KEEP + 5 : KEEP + 5 + half], sizes[-half:]
    found = []
    for what in sizes[0]:
        before, after = max(each[what] for each in steady), max(each[what] for each in last)
        found.append(
            Figure(
                f"{what}: largest value until day {KEEP + 5 + half} → in the last {half} days",
                f"{before:,} → {after:,}",
                f"at most {FLAT:.0%} +{FEW}",
                after <= before * FLAT + FEW,
            )
        )
    rate = round(sum(each["task_instance"] for each in last) / len(last) / (KEEP * 24))
    return [
        Figure("task instances an hour that were kept for 30 days", f"{rate}", "325 or more", rate >= 325),
        *found,
    ]


def _write_logs(logs: Path, moments: list[datetime], began: datetime) -> None:
    for moment in moments[::12]:
        run = f"scheduled__{moment.strftime('%Y-%m-%dT%H:%M:%S.%f')}+00:00"
        for task in _TASKS:
            _write_log(
                logs / "dag_id=notify_transitions" / f"run_id={run}" / f"task_id={task}" / "attempt=1.log", moment
            )
    for name in ("notify_transitions", "settle_messages", "check_quality"):
        _write_log(logs / "dag_processor" / f"{began:%Y-%m-%d}" / "dags-folder" / f"{name}.py.log", began)


def _write_log(path: Path, at: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"event": "DAG bundles loaded", "level": "info"}\n')
    os.utime(path, (at.timestamp(), at.timestamp()))


def _sizes(rows: AirflowRows, logs: Path) -> dict[str, int]:
    found = {table: rows.count(table) for table in _TABLES}
    size = rows.connection.execute("SELECT pg_database_size(current_database()) AS size").fetchone()
    assert size is not None
    found["database, bytes"] = size["size"]
    found["log files"] = sum(len(files) for _, _, files in os.walk(logs))
    found["log folders"] = sum(len(folders) for _, folders, _ in os.walk(logs))
    return found
