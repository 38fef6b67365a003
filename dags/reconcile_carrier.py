"""Compares the providers' monthly carrier statements with the messages that were sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.dag_texts import DagTexts
from motcua.orchestration import GATE, IN_THE_BACKGROUND, failed_tasks, run_window

TEXTS = DagTexts("reconcile_carrier")


@dag(
    **TEXTS.of_dag,
    schedule=CronTriggerTimetable("0 7 5,10 * *", timezone="Asia/Ho_Chi_Minh", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=IN_THE_BACKGROUND,
)
def reconcile_carrier() -> None:
    """Find files → import each → gate."""

    @task(**TEXTS.of_task("find_files"))
    def find_files() -> list[dict[str, str]]:
        from motcua.jobs.tasks.reconcile_carrier import find_files as job

        return job(run_window(get_current_context()))

    # Files are imported one at a time for two reasons: the later of two files of a month corrects the earlier one, and
    # a file of a million lines needs a gigabyte of memory.
    @task(
        **TEXTS.of_task("take_file"),
        map_index_template="{{ statement }}",
        max_active_tis_per_dagrun=1,
    )
    def take_file(form: str, file: str) -> dict[str, Any]:
        from motcua.jobs.tasks.reconcile_carrier import take_file as job

        context = get_current_context()
        context["statement"] = f"{form}/{file}" if form else file  # type: ignore[typeddict-unknown-key]
        return job(form, file, context["run_id"])

    @task(**TEXTS.of_task("gate"), **GATE)
    def gate() -> None:
        from motcua.jobs.tasks.reconcile_carrier import gate as job

        context = get_current_context()
        taken = context["ti"].xcom_pull(task_ids=["take_file"])
        job(run_window(context), [each for each in taken if each], failed_tasks(context))

    take_file.expand_kwargs(find_files()) >> gate()


reconcile_carrier()
