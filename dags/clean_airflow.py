"""Removes old rows and logs of Airflow each night, so that its database and log files stay small."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.dag_texts import DagTexts
from motcua.orchestration import GATE, IN_THE_BACKGROUND, failed_tasks

TEXTS = DagTexts("clean_airflow")


@dag(
    **TEXTS.of_dag,
    schedule=CronTriggerTimetable("15 4 * * *", timezone="Asia/Ho_Chi_Minh", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=IN_THE_BACKGROUND,
)
def clean_airflow() -> None:
    """Clean Airflow's database → remove the logs of deleted runs → gate (fail if work is left undone)."""

    # The first run in an old installation may take hours. If the time limit ends it, the next run does the rest.
    @task(**TEXTS.of_task("clean_database"), execution_timeout=timedelta(hours=3))
    def clean_database() -> dict[str, Any]:
        from motcua.jobs.tasks.clean_airflow import clean_database as job

        return job()

    @task(**TEXTS.of_task("remove_logs"), trigger_rule="all_done")
    def remove_logs() -> dict[str, Any]:
        from motcua.jobs.tasks.clean_airflow import remove_logs as job

        return job()

    @task(**TEXTS.of_task("gate"), **GATE)
    def gate() -> None:
        from motcua.jobs.tasks.clean_airflow import gate as job

        context = get_current_context()
        done = context["ti"].xcom_pull(task_ids=["clean_database", "remove_logs"])
        job([each for each in done if each], failed_tasks(context))

    clean_database() >> remove_logs() >> gate()


clean_airflow()
