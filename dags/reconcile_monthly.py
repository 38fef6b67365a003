"""Reconciliation of each month: the days together, published in the form of an official report, and mailed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.orchestration import DAG_DEFAULTS, failed_tasks, run_interval

DOC = """
### Mục đích / Purpose
Closes the month before. First each of its days is brought up to date: days that were not closed are closed, days that
their sources count otherwise by now are corrected. Then it publishes the report to the Ủy ban nhân dân tỉnh, with the
agencies that it proposes to urge, each with its evidence, beside workbook, CSV and manifest.

### Lịch chạy / Schedule
07:30 on the first of each month, clock of Vietnam. Started by hand, it closes the month before this one. A **backfill**
closes the month before each of its dates.

### Khi đỏ / When a run is red
As `reconcile_daily`: open the log of **gate**.
"""


@dag(
    dag_id="reconcile_monthly",
    dag_display_name="Đối chiếu hằng tháng",
    description="Đối chiếu tin nhắn với hồ sơ của tháng trước, công bố và gửi báo cáo",
    doc_md=DOC,
    schedule=CronTriggerTimetable("30 7 1 * *", timezone="Asia/Ho_Chi_Minh", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DAG_DEFAULTS,
    tags=["doi-soat", "mot-cua"],
)
def reconcile_monthly() -> None:
    """Close → publish each → mail each → gate."""

    @task(task_display_name="Chốt số liệu tháng")
    def close() -> list[int]:
        from motcua.jobs.reconcile_monthly import close_month as job

        context = get_current_context()
        return job(context["run_id"], run_interval(context))

    @task(task_display_name="Chọn số liệu chưa công bố", trigger_rule="all_done")
    def to_publish() -> list[int]:
        from motcua.jobs.reconcile_daily import closings_to_publish as job

        return job()

    @task(task_display_name="Công bố", max_active_tis_per_dagrun=1)
    def publish(closing_no: int) -> dict[str, Any]:
        from motcua.jobs.reconcile_daily import publish as job

        return job(closing_no)

    @task(task_display_name="Chọn nơi nhận", trigger_rule="all_done")
    def recipients() -> list[dict[str, Any]]:
        from motcua.jobs.reconcile_daily import mails_to_send as job

        published = get_current_context()["ti"].xcom_pull(task_ids="publish") or []
        return job([each for each in published if each])

    @task(task_display_name="Gửi báo cáo", map_index_template="{{ whom }}", max_active_tis_per_dagrun=2)
    def mail(publication_no: int, body: str) -> dict[str, int]:
        from motcua.jobs.reconcile_daily import mail as job

        context = get_current_context()
        context["whom"] = f"{publication_no}: {body}"  # type: ignore[typeddict-unknown-key]
        return job(publication_no, body)

    @task(task_display_name="Kiểm tra còn việc", trigger_rule="all_done")
    def gate() -> None:
        from motcua.jobs.reconcile_monthly import gate as job

        context = get_current_context()
        job(context["ti"].xcom_pull(task_ids="close") or [], failed_tasks(context))

    chosen = to_publish()
    close() >> chosen
    published = publish.expand(closing_no=chosen)
    addressed = recipients()
    published >> addressed
    mail.expand_kwargs(addressed) >> gate()


reconcile_monthly()
