"""Reconciliation of each day: what reached citizens against what the sources themselves count; published and mailed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.orchestration import DAG_DEFAULTS, publish_and_mail, run_interval, run_window
from motcua.settings import settings

DOC = """
### Mục đích / Purpose
Closes the day before: counts the sources' own tables anew, holds every message against them, lists what has no
counterpart with its reason, and publishes workbook, report (PDF, HTML), CSV and manifest, which auditors can recompute
with `motcua verify`. Then it looks once more at periods that were closed three days ago: late receipts and the like
make a correction, which names what it corrects and says what changed and why.

### Lịch chạy / Schedule
06:30 every day, clock of Vietnam. Days that were missed are closed by the next run. Started by hand, it closes
yesterday. A **backfill** closes the day before each of its dates: figures that are the same again make nothing new.

### Khi đỏ / When a run is red
Open the log of **gate**.
- *difference …, row(s) without a reason*: the sources count something that the ledger cannot account for, or the other
  way round. `motcua closings differences <number>` lists the rows. Nothing is sent or changed by itself.
- *not counted at …*: a source did not answer; clear **close** when it does, and a correction follows.
- *event(s) that the sources have and nobody read*: pick-up is dead while its source answers; see `notify_transitions`.
- A rerun of a day that still does not meet is red again, until it is mended.
- *task mail failed*: the next run mails whom it did not reach, for four days; or clear that one mapped task. Mails that
  went out are not sent twice.
"""


@dag(
    dag_id="reconcile_daily",
    dag_display_name="Đối chiếu hằng ngày",
    description="Đối chiếu tin nhắn với hồ sơ của ngày hôm trước, công bố và gửi báo cáo",
    doc_md=DOC,
    schedule=CronTriggerTimetable(
        f"{settings().reconcile_time.minute} {settings().reconcile_time.hour} * * *",
        timezone="Asia/Ho_Chi_Minh",
        interval=timedelta(days=1),
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DAG_DEFAULTS,
    tags=["doi-soat", "mot-cua"],
)
def reconcile_daily() -> None:
    """Tie complaints → close → look again → publish each → mail each → gate."""

    @task(task_display_name="Gắn phản ánh với hồ sơ")
    def tie_complaints() -> int:
        from motcua.jobs.tasks.reconcile_daily import tie_complaints as job

        return job()

    @task(task_display_name="Chốt số liệu ngày")
    def close() -> list[int]:
        from motcua.jobs.tasks.reconcile_daily import close_days as job

        context = get_current_context()
        return job(context["run_id"], run_window(context), run_interval(context))

    @task(task_display_name="Xem lại kỳ đã chốt")
    def look_again() -> list[int]:
        from motcua.jobs.tasks.reconcile_daily import look_again as job

        context = get_current_context()
        return job(context["run_id"], run_window(context))

    tie_complaints() >> close() >> look_again() >> publish_and_mail(["close", "look_again"])


reconcile_daily()
