"""Verifies some publications (the files of published reports) each night, each publication at least once a month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.dag_texts import DagTexts
from motcua.orchestration import GATE, IN_THE_BACKGROUND, failed_tasks

TEXTS = DagTexts("verify_publications")


@dag(
    **TEXTS.of_dag,
    schedule=CronTriggerTimetable("30 3 * * *", timezone="Asia/Ho_Chi_Minh", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=IN_THE_BACKGROUND,
)
def verify_publications() -> None:
    """Verify → gate (fail if a fault was found or work is left undone)."""

    # After 40 minutes the task begins no further verification. One verification takes a few minutes at most, so an hour
    # is enough.
    @task(**TEXTS.of_task("verify"), execution_timeout=timedelta(hours=1))
    def verify() -> dict[str, Any]:
        from motcua.jobs.tasks.verify_publications import verify as job

        return job(get_current_context()["run_id"])

    @task(**TEXTS.of_task("gate"), **GATE)
    def gate() -> None:
        from motcua.jobs.tasks.verify_publications import gate as job

        context = get_current_context()
        job(context["ti"].xcom_pull(task_ids="verify"), failed_tasks(context))

    verify() >> gate()


verify_publications()
