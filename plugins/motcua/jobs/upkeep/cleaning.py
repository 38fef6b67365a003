"""Airflow's own database and log files kept small: what goes, and what is kept of that in the ledger."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from motcua.jobs.upkeep.log_files import LogsRemoved, remove_old_logs
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.upkeep import AIRFLOW, CleanedOf, airflow_url, runs_before, save_cleaning

log = logging.getLogger(__name__)

_LIMITS = "-c lock_timeout=5s -c application_name=motcua-upkeep"
"""Of each session: whoever waits for a lock has those wait who come behind it."""


class CleaningFailed(Exception):
    """The clean-up of Airflow's database ended early; the message holds no value of any row."""


def clean_database(now: datetime) -> list[CleanedOf]:
    """Removes old rows of Airflow's database, and keeps how many in the ledger.

    Returns: what was done of each table.

    Raises:
        CleaningFailed: it ended early; what was removed until then is not counted.
        airflow.exceptions.AirflowNotFoundException: Airflow's database is not connected here.
    """
    rules = settings()
    terms = {
        "before": now - rules.airflow_keep,
        "red_before": now - max(rules.airflow_keep, rules.airflow_keep_red),
        "acts_before": now - max(rules.airflow_keep, rules.airflow_keep_acts),
    }
    given = json.dumps({name: moment.isoformat() for name, moment in terms.items()})
    # Tasks have no access to Airflow's database: a program of its own does.
    kept = {name: value for name, value in os.environ.items() if name != "AIRFLOW__CORE__SQL_ALCHEMY_CONN"}
    environment = kept | {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow_url(),
        "PGOPTIONS": _LIMITS,
    }
    with tempfile.TemporaryDirectory(prefix="motcua-upkeep-") as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-m", "motcua.jobs.upkeep.airflow_tables", given, str(answer)]
        ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        log.info("airflow db clean says:\n%s", ended.stdout.decode(errors="replace"))
        if ended.returncode or not answer.exists():
            raise CleaningFailed(f"the clean-up of Airflow's database ended with {ended.returncode}; its log is above")
        found = json.loads(answer.read_text(encoding="utf-8"))
    tables = sorted({*found["removed"], *found["failed"], "dag_run"})
    done = [CleanedOf(name, found["removed"].get(name, 0), None, found["failed"].get(name)) for name in tables]
    _keep(done, now)
    return done


def clean_logs(now: datetime) -> LogsRemoved:
    """Removes old log files and empty folders, and keeps how many in the ledger.

    The log of a run that Airflow still has stays. Where Airflow's database cannot be asked, so do those of all runs
    that might still be there.
    """
    import psycopg
    from airflow.configuration import conf
    from airflow.sdk.exceptions import AirflowNotFoundException

    rules = settings()
    before = tasks_before = now - rules.airflow_keep
    try:
        with connect(AIRFLOW) as connection:
            kept = runs_before(connection, before)
    except (psycopg.Error, AirflowNotFoundException) as away:
        log.warning("Airflow's database is not asked which runs it has (%s)", type(away).__name__)
        kept, tasks_before = frozenset(), now - max(rules.airflow_keep, rules.airflow_keep_red)
    done = remove_old_logs(
        Path(conf.get("logging", "base_log_folder")),
        Path(conf.get("logging", "dag_processor_child_process_log_directory")),
        tasks_before,
        kept,
        before,
    )
    log.info("log files: %s", asdict(done))
    failed = f"{done.refused} refused" if done.refused else None
    of_logs = [CleanedOf("log_files", done.files, done.size, failed), CleanedOf("log_folders", done.folders)]
    _keep(of_logs, now)
    return done


def _keep(done: list[CleanedOf], now: datetime) -> None:
    with connect() as ledger:
        save_cleaning(ledger, now, done)
