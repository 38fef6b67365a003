"""Sends result and supplement messages within seconds after a dossier's step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    Param,
    dag,
    get_current_context,
    task,
)

from motcua.dag_texts import DagTexts
from motcua.orchestration import (
    DAG_DEFAULTS,
    GATE,
    QUICK_RETRIES,
    WAIT_FOR_NO_SOURCE,
    failed_tasks,
    release_by,
    run_interval,
    run_window,
    source_watchers,
)
from motcua.settings import settings

TEXTS = DagTexts("notify_transitions")


@dag(
    **TEXTS.of_dag,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(
            f"*/{settings().notify_every // timedelta(minutes=1)} * * * *",
            timezone="Asia/Ho_Chi_Minh",
            interval=settings().notify_every,
        ),
        assets=[Asset("onestop_transitions", watchers=source_watchers())],
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # A run continues while sources have unread rows, and runs that the schedule or a person starts must not wait for
    # its end. Airflow counts the runs of a killed worker as active until their heartbeat times out. Other runs take
    # over their work before that.
    max_active_runs=4,
    default_args=DAG_DEFAULTS | QUICK_RETRIES,
    params={
        "release_unknown": Param(
            False,
            type="boolean",
            **TEXTS.of_param("release_unknown"),
        )
    },
)
def notify_transitions() -> None:
    """Find sources with unread rows → read each → plan messages → send → gate (fail if work is left undone)."""

    @task(**TEXTS.of_task("find_sources"))
    def find_sources() -> list[str]:
        from motcua.jobs.tasks.notify_transitions import find_sources as job

        return job(run_window(get_current_context()))

    @task(
        **TEXTS.of_task("pick_up"),
        map_index_template="{{ source_name }}",
        retry_policy=WAIT_FOR_NO_SOURCE,
        # Each reading opens two connections to the ledger, and many sources may have unread rows at once.
        max_active_tis_per_dagrun=8,
    )
    def pick_up(source: str) -> dict[str, Any]:
        from motcua.jobs.tasks.notify_transitions import name_of_batch
        from motcua.jobs.tasks.notify_transitions import pick_up_sources as job

        context = get_current_context()
        context["source_name"] = name_of_batch(source)  # type: ignore[typeddict-unknown-key]
        return job(source, run_window(context))

    @task(**TEXTS.of_task("plan"), trigger_rule="all_done")
    def plan() -> dict[str, Any]:
        from motcua.jobs.tasks.notify_transitions import plan_messages as job

        context = get_current_context()
        return job(run_window(context), release_by(context))

    @task(**TEXTS.of_task("send"), map_index_template="{{ number }}", trigger_rule="all_done", retries=0)
    def send(sender: int) -> dict[str, Any]:
        from motcua.jobs.tasks.notify_transitions import send_messages as job

        context = get_current_context()
        context["number"] = f"{sender + 1}/{settings().senders}"  # type: ignore[typeddict-unknown-key]
        return job(context["run_id"], run_window(context), sender=sender)

    @task(**TEXTS.of_task("gate"), **GATE)
    def gate() -> None:
        from motcua.jobs.tasks.notify_transitions import gate as job

        context = get_current_context()
        job(context["run_id"], run_window(context), failed_tasks(context), run_interval(context))

    pick_up.expand(source=find_sources()) >> plan() >> send.expand(sender=[*range(settings().senders)]) >> gate()


notify_transitions()
