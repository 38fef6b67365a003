"""Test the cleaning of Airflow's own database: old rows are deleted, except rows that somebody needs."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from motcua.jobs.tasks.clean_airflow import clean_database, gate
from motcua.jobs.upkeep.airflow_tables import ON_ITS_WAY, Terms, conditions
from motcua.store.ledger.database import connect
from motcua.store.ledger.sessions import Run, work_for
from motcua.store.runs import work_of
from motcua.store.upkeep import last_cleaning, runs_before
from tests.ground import NOW, in_ledger, red_gate
from tests.integration.upkeep.airflow_rows import FAB, AirflowRows

OLD, YOUNG = NOW - timedelta(days=31), NOW - timedelta(days=29)
OF_RUNS = ("dag_run", "task_instance", "xcom", "dagrun_asset_event")
# Rows of these tables belong to one run and are deleted together with it, never before.
WITH_ITS_RUN = {"deadline", "task_instance", "task_instance_history", "task_reschedule", "task_state_store", "xcom"}
# Tables whose rows stay, each with the reason. These tables do not grow.
LEFT_ALONE = {
    "_xcom_archive": "only an upgrade from Airflow 2 makes it",
    "dag": "one row a DAG; deleting it would delete the versions that its runs name",
    "trigger": "Airflow removes triggers that nobody waits for; the watcher's is as old as the installation",
}


def kept(rows: AirflowRows) -> set[str]:
    return {each["dag_id"] for each in rows.connection.execute("SELECT dag_id FROM dag_run")}


@pytest.mark.guarantee(
    "airflow", "Airflow's old rows are removed each night; running runs, red runs without a note and last runs stay"
)
def test_old_rows_go_and_what_somebody_needs_stays(airflow_rows: AirflowRows) -> None:
    rows = airflow_rows
    for dag_id in (
        "ended",
        "at_work",
        "task_at_work",
        "red",
        "red_noted",
        "red_long_ago",
        "cleared",
        "by_hand",
        "last",
    ):
        rows.dag(dag_id, NOW - timedelta(days=400))
    # Each DAG's last scheduled run stays. Most DAGs get a young run, so that their old runs are not the last.
    for dag_id in ("ended", "at_work", "task_at_work", "red", "red_noted", "red_long_ago", "cleared"):
        rows.runs(dag_id, [YOUNG])
    rows.runs("ended", [OLD, OLD - timedelta(days=200)])
    rows.runs("at_work", [OLD], state="running", task_state="success")
    rows.runs("task_at_work", [OLD], state="failed", task_state="deferred")
    rows.note("task_at_work", OLD, "chờ")
    rows.runs("red", [OLD], state="failed")
    rows.runs("red_noted", [OLD], state="failed")
    rows.note("red_noted", OLD, "đã xem, nguồn mất mạng")
    rows.runs("red_long_ago", [NOW - timedelta(days=91)], state="failed")
    rows.runs("cleared", [OLD], state="queued", task_state="success")
    rows.runs("by_hand", [OLD], run_type="manual")
    rows.runs("last", [OLD])
    rows.act("lan", "clear_dag_run", NOW - timedelta(days=364))
    rows.act("lan", "clear_dag_run", NOW - timedelta(days=366))
    rows.act(None, "cli_backfill", NOW - timedelta(days=364))
    rows.act(None, "cli_check", OLD)
    rows.version("ended", 2, NOW)
    before = {table: rows.count(table) for table in OF_RUNS}

    work_for(run := Run("clean_airflow", "manual__1"))
    try:
        done = clean_database(NOW)
    finally:
        work_for(None)

    gate([done])
    old = {
        each["dag_id"] for each in rows.connection.execute("SELECT dag_id FROM dag_run WHERE start_date < %s", [YOUNG])
    }
    assert old == {"at_work", "task_at_work", "red", "cleared", "last"}
    assert kept(rows) == old | {"ended", "red_noted", "red_long_ago"}
    # A run that stays keeps all its rows, a deleted one leaves none, and the counts report exactly the deleted rows.
    assert rows.count("dag_run", f"start_date < '{YOUNG}'") == 5
    assert rows.count("task_instance") == rows.count("xcom") == 2 * rows.count("dag_run")
    assert rows.count("asset_event") == rows.count("dagrun_asset_event") == rows.count("dag_run")
    assert rows.count("celery_taskmeta", f"date_done < '{YOUNG}'") == 0
    assert {table: before[table] - rows.count(table) for table in OF_RUNS} == {table: done[table] for table in OF_RUNS}
    assert [
        (each["event"], each["owner"])
        for each in rows.connection.execute("SELECT event, owner FROM log WHERE task_id IS NULL ORDER BY event")
    ] == [("clear_dag_run", "lan"), ("cli_backfill", "root")]
    assert rows.count("log", f"task_id IS NOT NULL AND dttm < '{YOUNG}'") == 0
    # A version of a DAG is deleted when no run names it, but never the last version.
    assert rows.count("dag_version", "dag_id = 'by_hand'") == 1
    assert rows.count("dag_version", "dag_id = 'ended'") == 2, (
        "the younger run uses the first version, so that must stay"
    )
    assert rows.count("pg_tables", f"tablename LIKE '%deleted%' OR tablename LIKE '{ON_ITS_WAY}%'") == 0
    reported = {each.of_what: each.removed for each in in_ledger(work_of, run, ("cleanings",), None, 1).cleanings}
    assert in_ledger(last_cleaning) == NOW
    assert reported == {table: number for table, number in done.items() if number}
    with connect("motcua_airflow") as airflow:
        names = {dag_id for dag_id, _ in runs_before(airflow, YOUNG)}
    assert names == old


@pytest.mark.guarantee("airflow", "a table of Airflow's that cannot be cleaned is named; the others are cleaned")
def test_table_that_cannot_be_cleaned_is_told_and_the_others_are_cleaned(airflow_rows: AirflowRows) -> None:
    rows = airflow_rows
    rows.dag("ended", OLD)
    rows.runs("ended", [OLD, YOUNG])
    somebodys = "_airflow_deleted__dag_run__20260101000000"
    rows.connection.execute(f"CREATE TABLE {somebodys} AS SELECT 1 AS id")
    rows.connection.execute(f"CREATE TABLE {ON_ITS_WAY}xcom__20260101000000__b1 AS SELECT 1 AS id")
    rows.connection.execute(f"ALTER TABLE {ON_ITS_WAY}xcom__20260101000000__b1 OWNER TO airflow")
    rows.connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'secret %', old.id; END $$"
    )
    rows.connection.execute("CREATE TRIGGER refuse BEFORE DELETE ON asset_event FOR EACH ROW EXECUTE FUNCTION refuse()")
    try:
        done = clean_database(NOW)
        left = rows.connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE '\\_%'").fetchall()
    finally:
        rows.connection.execute("DROP FUNCTION refuse CASCADE")
        rows.connection.execute(f"DROP TABLE {somebodys}")
    assert (done["dag_run"], done["asset_event"], rows.count("asset_event")) == (1, 0, 2)
    assert done["log"] == 4, "the tables after the failed one must be cleaned"
    with red_gate(r"^table\(s\) asset_event \(RaiseException\) of Airflow could not be cleaned$"):
        gate([done])
    # Tables with copies of batches must be gone, even one that a killed run left. A person's archive table must stay.
    assert [each["tablename"] for each in left] == [somebodys]


def test_one_clean_up_at_a_time(airflow_rows: AirflowRows) -> None:
    from motcua.jobs.upkeep.airflow_tables import _LOCK
    from motcua.jobs.upkeep.cleaning import CleaningFailed

    airflow_rows.connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    with pytest.raises(CleaningFailed):
        clean_database(NOW)


def test_nothing_is_cleaned_where_airflows_database_is_not_connected(ledger: str) -> None:
    with red_gate("AIRFLOW_CONN_MOTCUA_AIRFLOW"):
        gate([clean_database(NOW)])


def test_every_table_that_airflow_would_clean_is_cleaned_or_left_for_a_reason() -> None:
    """A table that a new Airflow adds must be listed as cleaned, deleted with its run, or left alone."""
    code = "from airflow.utils.db_cleanup import config_dict; print('TABLES', *config_dict)"
    environment = os.environ | {"AIRFLOW__CORE__AUTH_MANAGER": FAB}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    (line,) = [each for each in said.stdout.splitlines() if each.startswith("TABLES")]
    known = set(line.split()[1:])
    ours = set(conditions(Terms(NOW, NOW, NOW)))
    assert ours | WITH_ITS_RUN | LEFT_ALONE.keys() == known
    assert len(ours) + len(WITH_ITS_RUN) + len(LEFT_ALONE) == len(known), (
        "each table must be in exactly one of the three lists"
    )


@pytest.mark.parametrize("words", ["P6D", "0"])
def test_runs_are_kept_for_a_week_at_least(configure, words: str) -> None:
    from pydantic import ValidationError

    from motcua.settings import Settings

    configure(MOTCUA_AIRFLOW_KEEP=words)
    with pytest.raises(ValidationError, match="airflow_keep"):
        Settings()
