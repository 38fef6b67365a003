"""Decides the state of messages to which the gateway gave no answer, and of messages without a delivery receipt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.dag_texts import DagTexts
from motcua.orchestration import DAG_DEFAULTS, GATE, failed_tasks, run_window

TEXTS = DagTexts("settle_messages")


@dag(
    **TEXTS.of_dag,
    schedule=CronTriggerTimetable("*/5 * * * *", timezone="Asia/Ho_Chi_Minh", interval=timedelta(minutes=5)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DAG_DEFAULTS,
)
def settle_messages() -> None:
    """Settle → gate (fail if work is left undone)."""

    @task(**TEXTS.of_task("settle"), retries=0)
    def settle() -> dict[str, Any]:
        from motcua.jobs.tasks.settle_messages import settle_run as job

        context = get_current_context()
        return job(context["run_id"], run_window(context))

    @task(**TEXTS.of_task("gate"), **GATE)
    def gate() -> None:
        from motcua.jobs.tasks.settle_messages import gate as job

        context = get_current_context()
        job(run_window(context), failed_tasks(context))

    settle() >> gate()


settle_messages()
