"""Result and supplement messages, seconds after a dossier moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    AssetWatcher,
    CronTriggerTimetable,
    Param,
    dag,
    get_current_context,
    task,
)

from motcua.orchestration import (
    DAG_DEFAULTS,
    GATE,
    QUICK_RETRIES,
    WAIT_FOR_NO_SOURCE,
    SourcesWatch,
    failed_tasks,
    release_by,
    run_interval,
    run_window,
)

DOC = """
### Mục đích / Purpose
Reads what is new in the agencies' one-stop databases and sends the citizen the *result* SMS (status 9 at the one-stop
desk) or the *supplement* SMS (status 5 at the one-stop desk). Nobody writes or presses send.

### Lịch chạy / Schedule
Woken within a second or two by a watcher of the sources; every minute as a safety net. Each run handles everything that
is due, so a skipped run heals itself. A **backfill** handles its window only: it reads it again, plans what is missing
and retries at once what failed and may be retried; nothing accepted, delivered or unknown is sent again.

### Khi đỏ / When a run is red
Open the log of **gate**: it says in counts what is left.
- *source … failed*: the one-stop database does not answer. Others are not held up; the next run tries again.
- *message(s) transient*: the gateway was busy. The next runs retry with growing waits; a backfill retries at once.
- *gateway … stopped*: the gateway refused our account, brandname or template. Mend it there, then
  `motcua gateways start <name>`, or wait five minutes.
- *message(s) unknown*: no answer came. They are not sent again blindly: `settle_messages` finds out. A backfill whose
  parameter `release_unknown` is true sends those of its window again, on the word of whoever started it.

A bad phone number makes no run red, nor does what the Department has stopped: the log of **gate** says what.
"""


@dag(
    dag_id="notify_transitions",
    dag_display_name="Nhắn tin khi hồ sơ chuyển bước",
    description="Tin nhắn có kết quả và tin nhắn bổ sung, vài giây sau khi hồ sơ chuyển bước",
    doc_md=DOC,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("* * * * *", timezone="Asia/Ho_Chi_Minh", interval=timedelta(minutes=1)),
        assets=[Asset("onestop_transitions", watchers=[AssetWatcher(name="sources_watch", trigger=SourcesWatch())])],
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # One run may go on while news keeps coming; a second one, by the clock or by hand, need not wait for it.
    max_active_runs=2,
    default_args=DAG_DEFAULTS | QUICK_RETRIES,
    params={
        "release_unknown": Param(
            False,
            type="boolean",
            title="Gửi lại tin chưa rõ kết quả",
            description="Backfill only: messages of the window whose outcome nobody can tell are sent again, the same "
            "words to the dossier's number. A phone may have them already. Kept for auditors with who started it.",
        )
    },
    tags=["tin-nhan", "mot-cua"],
)
def notify_transitions() -> None:
    """Find sources with news → pick up each → plan → send → gate."""

    @task(task_display_name="Tìm nguồn có thay đổi")
    def find_sources() -> list[str]:
        from motcua.jobs.tasks.notify_transitions import find_sources as job

        return job(run_window(get_current_context()))

    @task(task_display_name="Đọc nguồn", map_index_template="{{ source_name }}", retry_policy=WAIT_FOR_NO_SOURCE)
    def pick_up(source: str) -> dict[str, Any]:
        from motcua.jobs.tasks.notify_transitions import pick_up_source as job

        context = get_current_context()
        context["source_name"] = source  # type: ignore[typeddict-unknown-key]
        return job(source, run_window(context))

    @task(task_display_name="Lập tin nhắn", trigger_rule="all_done")
    def plan() -> dict[str, Any]:
        from motcua.jobs.tasks.notify_transitions import plan_messages as job

        context = get_current_context()
        return job(run_window(context), release_by(context))

    @task(task_display_name="Gửi tin nhắn", trigger_rule="all_done", retries=0)
    def send() -> dict[str, Any]:
        from motcua.jobs.tasks.notify_transitions import send_messages as job

        context = get_current_context()
        return job(context["run_id"], run_window(context))

    @task(**GATE)
    def gate() -> None:
        from motcua.jobs.tasks.notify_transitions import gate as job

        context = get_current_context()
        job(context["run_id"], run_window(context), failed_tasks(context), run_interval(context))

    pick_up.expand(source=find_sources()) >> plan() >> send() >> gate()


notify_transitions()
