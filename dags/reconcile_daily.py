"""Reconciles each day: compares the messages that reached citizens with the sources' own counts, then publishes and
mails the figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.dag_texts import DagTexts
from motcua.orchestration import IN_THE_BACKGROUND, publish_and_mail, run_interval, run_window
from motcua.settings import settings

TEXTS = DagTexts("reconcile_daily")


@dag(
    **TEXTS.of_dag,
    schedule=CronTriggerTimetable(
        f"{settings().reconcile_time.minute} {settings().reconcile_time.hour} * * *",
        timezone="Asia/Ho_Chi_Minh",
        interval=timedelta(days=1),
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=IN_THE_BACKGROUND,
)
def reconcile_daily() -> None:
    """Link complaints → close finished days → check older days again → publish each closing → mail each recipient →
    fail if something needs attention."""

    @task(**TEXTS.of_task("tie_complaints"))
    def tie_complaints() -> int:
        from motcua.jobs.tasks.reconcile_daily import tie_complaints as job

        return job()

    @task(**TEXTS.of_task("close"))
    def close() -> list[int]:
        from motcua.jobs.tasks.reconcile_daily import close_days as job

        context = get_current_context()
        return job(context["run_id"], run_window(context), run_interval(context))

    @task(**TEXTS.of_task("look_again"))
    def look_again() -> list[int]:
        from motcua.jobs.tasks.reconcile_daily import look_again as job

        context = get_current_context()
        return job(context["run_id"], run_window(context))

    tie_complaints() >> close() >> look_again() >> publish_and_mail(TEXTS, ["close", "look_again"])


reconcile_daily()
