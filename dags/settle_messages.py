"""What became of messages without an answer, and of those without a receipt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.orchestration import DAG_DEFAULTS, GATE, failed_tasks, run_window

DOC = """
### Mục đích / Purpose
Settles attempts that no answer came for (a time-out, a reset, a crash): by a receipt, by asking the gateway, by the
same request under the same reference where the provider refuses a second one, else by the gateway's declared policy.
Polls receipts where they can be polled. Closes as *unconfirmed* what no receipt came for within the gateway's horizon;
a late receipt still counts. Nothing is ever sent again blindly.

### Lịch chạy / Schedule
Every five minutes; each run settles everything that can be settled. A **backfill** settles its window only.

### Khi đỏ / When a run is red
Open the log of **gate**.
- *… of unknown outcome*: people must decide. Ask the provider whether it has them; `motcua messages held` lists them,
  `motcua messages release` sends them again. Left alone, they stay *unknown*, and the run is green again when they are
  no longer useful.
- *the watch has been silent*: `motcua watch` does not run any more; while it does not, nobody is told what is wrong.
- *sms_… *: a gateway's Airflow connection cannot be used.
"""


@dag(
    dag_id="settle_messages",
    dag_display_name="Làm rõ tin nhắn chưa có hồi âm",
    description="Hỏi lại nhà mạng về tin nhắn chưa rõ kết quả; khép lại tin nhắn không có báo cáo",
    doc_md=DOC,
    schedule=CronTriggerTimetable("*/5 * * * *", timezone="Asia/Ho_Chi_Minh", interval=timedelta(minutes=5)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DAG_DEFAULTS,
    tags=["tin-nhan", "mot-cua"],
)
def settle_messages() -> None:
    """Settle → gate."""

    @task(task_display_name="Làm rõ kết quả", retries=0)
    def settle() -> dict[str, Any]:
        from motcua.jobs.tasks.settle_messages import settle_run as job

        context = get_current_context()
        return job(context["run_id"], run_window(context))

    @task(**GATE)
    def gate() -> None:
        from motcua.jobs.tasks.settle_messages import gate as job

        context = get_current_context()
        job(run_window(context), failed_tasks(context))

    settle() >> gate()


settle_messages()
