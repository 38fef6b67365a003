"""Reconciliation of each month: the days together, published in the form of an official report, and mailed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.orchestration import DAG_DEFAULTS, publish_and_mail, run_interval

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
        from motcua.jobs.tasks.reconcile_monthly import close_month as job

        context = get_current_context()
        return job(context["run_id"], run_interval(context))

    close() >> publish_and_mail(["close"])


reconcile_monthly()
