"""Empties, each night, the personal data whose storage time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.dag_texts import DagTexts
from motcua.orchestration import GATE, IN_THE_BACKGROUND, failed_tasks

TEXTS = DagTexts("purge_personal_data")


@dag(
    **TEXTS.of_dag,
    schedule=CronTriggerTimetable("30 2 * * *", timezone="Asia/Ho_Chi_Minh", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=IN_THE_BACKGROUND,
)
def purge_personal_data() -> None:
    """Purge personal data and remove old files, both in parallel → gate (fail if work is left undone)."""

    # The first purge of an old ledger may take hours. If the time limit ends it, the next purge does the rest.
    @task(**TEXTS.of_task("purge"), execution_timeout=timedelta(hours=3))
    def purge() -> dict[str, Any]:
        from motcua.jobs.tasks.purge_personal_data import purge_due as job

        return job(get_current_context()["run_id"])

    @task(**TEXTS.of_task("remove_files"))
    def remove_files() -> dict[str, Any]:
        from motcua.jobs.tasks.purge_personal_data import remove_files as job

        return job()

    @task(**TEXTS.of_task("gate"), **GATE)
    def gate() -> None:
        from motcua.jobs.tasks.purge_personal_data import gate as job

        context = get_current_context()
        done = context["ti"].xcom_pull(task_ids=["purge", "remove_files"])
        job([each for each in done if each], failed_tasks(context))

    [purge(), remove_files()] >> gate()


purge_personal_data()
