"""The 17:30 apology for each dossier whose result will not be there on the appointed day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

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

DOC = """
### Mục đích / Purpose
For each dossier that is due on the next day and is being worked on at 17:30 (status 2 or 4), one apology that names the
appointed date. None to dossiers whose clock stands (5, 6, 8), that are finished or returned (9, 10), refused or
withdrawn (3, 7). The dossier is looked at once more just before its SMS leaves. Which day is the next day is the
agency's setting: the next calendar day, or every day up to the next working day.

### Lịch chạy / Schedule
17:30 every day, clock of Vietnam. The run that starts at 17:30 of a day is that day's evening. An evening is settled
once for each agency, from what its sources say after 17:30. One that could not be settled (Airflow or a source was
away) is settled by the next run of this DAG or of *notify_transitions*, until the desk opens on the due day, never
between 21:00 and 7:00. One that came too late is recorded as **missed**, with a message *expired* for each dossier.
A run that has not ended by 17:36 is mailed to MOTCUA_WATCH_RECIPIENTS.
Started by hand, it does what is due now. A **backfill** settles the evening of each day asked for, if it was not,
retries at once what failed in passing, and sends nothing that has become pointless; the log of **apologize** says what
it left out.

### Khi đỏ / When a run is red
Open the log of **gate**: it says in counts what is left.
- *source … failed*, *the evening of … waits*: nobody is told on old knowledge. Have the source mended; the next run
  goes on by itself.
- *message(s) transient*, *gateway … stopped*, *unknown*: as in notify_transitions.

A calendar year that is not confirmed is a warning in that log and makes no run red; so is what the Department
has stopped.
`motcua apologies evenings` lists what became of each evening.
"""


@dag(
    dag_id="apologize_due_tomorrow",
    dag_display_name="Xin lỗi hồ sơ đến hạn ngày hôm sau",
    description="Tin nhắn xin lỗi lúc 17 giờ 30 cho hồ sơ chưa có kết quả vào ngày hẹn trả",
    doc_md=DOC,
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
    tags=["tin-nhan", "mot-cua"],
)
def apologize_due_tomorrow() -> None:
    """Find sources → read each → plan apologies → send → gate."""

    @task(task_display_name="Tìm nguồn")
    def find_sources() -> list[str]:
        from motcua.jobs.tasks.apologize_due_tomorrow import find_sources as job

        return job()

    @task(task_display_name="Đọc nguồn", map_index_template="{{ source_name }}", retry_policy=WAIT_FOR_NO_SOURCE)
    def read_source(source: str) -> dict[str, Any]:
        from motcua.jobs.tasks.apologize_due_tomorrow import read_source as job

        context = get_current_context()
        context["source_name"] = source  # type: ignore[typeddict-unknown-key]
        return job(source, run_window(context))

    @task(task_display_name="Lập tin xin lỗi", trigger_rule="all_done")
    def apologize() -> dict[str, Any]:
        from motcua.jobs.tasks.apologize_due_tomorrow import plan_apologies as job

        return job(run_window(get_current_context()))

    @task(task_display_name="Gửi tin nhắn", trigger_rule="all_done", retries=0)
    def send() -> dict[str, Any]:
        from motcua.jobs.tasks.apologize_due_tomorrow import send_messages as job

        context = get_current_context()
        return job(context["run_id"], run_window(context))

    @task(**GATE)
    def gate() -> None:
        from motcua.jobs.tasks.apologize_due_tomorrow import gate as job

        context = get_current_context()
        job(context["run_id"], run_window(context), failed_tasks(context), run_interval(context))

    read_source.expand(source=find_sources()) >> apologize() >> send() >> gate()


apologize_due_tomorrow()
