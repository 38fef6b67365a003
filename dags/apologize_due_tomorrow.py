"""Sends an apology, by default at 17:30, for each dossier that is due the next day and not finished."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.dag_texts import DagTexts
from motcua.orchestration import (
    DAG_DEFAULTS,
    GATE,
    WAIT_FOR_NO_SOURCE,
    apologies_deadline,
    failed_tasks,
    run_interval,
    run_window,
)
from motcua.settings import settings

TEXTS = DagTexts("apologize_due_tomorrow")


@dag(
    **TEXTS.of_dag,
    schedule=CronTriggerTimetable(
        f"{settings().apology_time.minute} {settings().apology_time.hour} * * *",
        timezone="Asia/Ho_Chi_Minh",
        interval=timedelta(days=1),
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    deadline=apologies_deadline(),
    default_args=DAG_DEFAULTS,
)
def apologize_due_tomorrow() -> None:
    """Find sources → read each → plan apologies → send → gate (fail if work is left undone)."""

    @task(**TEXTS.of_task("find_sources"))
    def find_sources() -> list[str]:
        from motcua.jobs.tasks.apologize_due_tomorrow import find_sources as job

        return job()

    @task(**TEXTS.of_task("read_source"), map_index_template="{{ source_name }}", retry_policy=WAIT_FOR_NO_SOURCE)
    def read_source(source: str) -> dict[str, Any]:
        from motcua.jobs.tasks.apologize_due_tomorrow import read_source as job

        context = get_current_context()
        context["source_name"] = source  # type: ignore[typeddict-unknown-key]
        return job(source, run_window(context))

    @task(**TEXTS.of_task("apologize"), trigger_rule="all_done")
    def apologize() -> dict[str, Any]:
        from motcua.jobs.tasks.apologize_due_tomorrow import plan_apologies as job

        return job(run_window(get_current_context()))

    @task(**TEXTS.of_task("send"), trigger_rule="all_done", retries=0)
    def send() -> dict[str, Any]:
        from motcua.jobs.tasks.apologize_due_tomorrow import send_messages as job

        context = get_current_context()
        return job(context["run_id"], run_window(context))

    @task(**TEXTS.of_task("gate"), **GATE)
    def gate() -> None:
        from motcua.jobs.tasks.apologize_due_tomorrow import gate as job

        context = get_current_context()
        job(context["run_id"], run_window(context), failed_tasks(context), run_interval(context))

    read_source.expand(source=find_sources()) >> apologize() >> send() >> gate()


apologize_due_tomorrow()
