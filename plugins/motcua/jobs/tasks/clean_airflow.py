"""The tasks of the DAG ``clean_airflow``: clean Airflow's database, remove old logs, gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from motcua.domain.checks import fault
from motcua.jobs.gates import demand_nothing_left
from motcua.jobs.upkeep import cleaning
from motcua.store.ledger.database import without_values
from motcua.store.upkeep import AIRFLOW


@without_values()
def clean_database(now: datetime | None = None) -> dict[str, Any]:
    """Remove old rows. Return the number of rows by table, and the tables that were not cleaned, which make the gate
    fail.

    Raises:
        CleaningFailed: the cleaning ended early.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        done = cleaning.clean_database(now or datetime.now(UTC))
    except AirflowNotFoundException:
        detail = f"Airflow's database is not connected: set AIRFLOW_CONN_{AIRFLOW.upper()}"
        return {"left": [asdict(fault("airflow_not_connected", "", detail))]}
    failed = [f"{each.of_what} ({each.failed})" for each in done if each.failed]
    tables = ", ".join(failed)
    left = fault("airflow_tables_left", tables, f"table(s) {tables} of Airflow could not be cleaned")
    return {each.of_what: each.removed for each in done} | ({"left": [asdict(left)]} if failed else {})


@without_values()
def remove_logs(now: datetime | None = None) -> dict[str, Any]:
    """Remove old log files and the folders that become empty. A file that cannot be removed makes the gate fail."""
    done = cleaning.clean_logs(now or datetime.now(UTC))
    finding = fault("logs_left", "", f"{done.refused} log file(s) or folder(s) cannot be removed", files=done.refused)
    return asdict(done) | ({"left": [asdict(finding)]} if done.refused else {})


def gate(done: Sequence[Mapping[str, Any]], failed_tasks: Sequence[str] = ()) -> None:
    """End the run: fail if a task failed, a table was not cleaned, or a log could not be removed.

    Raises:
        RunIncomplete: the run failed; the error has all findings.
    """
    demand_nothing_left(failed_tasks, done=done)
