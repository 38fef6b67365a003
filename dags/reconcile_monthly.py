"""Closes each finished month, quarter and year (counts and stores its figures), publishes the official report, and
mails it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.dag_texts import DagTexts
from motcua.orchestration import IN_THE_BACKGROUND, publish_and_mail, run_interval

TEXTS = DagTexts("reconcile_monthly")


@dag(
    **TEXTS.of_dag,
    schedule=CronTriggerTimetable("30 7 1 * *", timezone="Asia/Ho_Chi_Minh", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=IN_THE_BACKGROUND,
)
def reconcile_monthly() -> None:
    """Close the month → publish the report of each closing → mail each recipient → gate (fail if work is left
    undone)."""

    @task(**TEXTS.of_task("close"))
    def close() -> list[int]:
        from motcua.jobs.tasks.reconcile_monthly import close_month as job

        context = get_current_context()
        return job(context["run_id"], run_interval(context))

    close() >> publish_and_mail(TEXTS, ["close"])


reconcile_monthly()
