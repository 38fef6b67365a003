"""Checks data quality every morning before the desks open: bad phone numbers, statuses that do not match reality,
and sources that break the source contract (the two views that every source must offer)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.dag_texts import DagTexts
from motcua.orchestration import GATE, IN_THE_BACKGROUND, failed_tasks, run_window
from motcua.settings import settings

TEXTS = DagTexts("check_quality")


@dag(
    **TEXTS.of_dag,
    schedule=CronTriggerTimetable(
        f"{settings().quality_time.minute} {settings().quality_time.hour} * * *",
        timezone="Asia/Ho_Chi_Minh",
        interval=timedelta(days=1),
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=IN_THE_BACKGROUND,
)
def check_quality() -> None:
    """Check data → mail the Department → gate (fail if work is left undone). In parallel with the mail, check each
    source against the source contract."""

    @task(**TEXTS.of_task("check"))
    def check() -> dict[str, Any]:
        from motcua.jobs.tasks.check_quality import check as job

        context = get_current_context()
        return job(context["run_id"], run_window(context))

    @task(**TEXTS.of_task("mail_department"))
    def mail_department(checked: dict[str, Any]) -> Any:  # noqa: ANN401 - the mailer's own counts
        from motcua.jobs.tasks.check_quality import mail_department as job

        return job(checked["run_no"])

    # This task runs in parallel with ``mail_department``, so that a slow source does not delay the mail.
    @task(**TEXTS.of_task("check_sources"), execution_timeout=timedelta(hours=1))
    def check_sources() -> dict[str, Any]:
        from motcua.jobs.tasks.check_quality import check_sources as job

        return job(run_window(get_current_context()))

    @task(**TEXTS.of_task("gate"), **GATE)
    def gate() -> None:
        from motcua.jobs.tasks.check_quality import gate as job

        context = get_current_context()
        checked = context["ti"].xcom_pull(task_ids="check") or {}
        job(checked.get("run_no"), failed_tasks(context))

    checked = check()
    [mail_department(checked), check_sources()] >> gate()


check_quality()
