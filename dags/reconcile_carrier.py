"""The providers' monthly statements: what was billed, held against what was sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.orchestration import DAG_DEFAULTS, GATE, failed_tasks, run_window

DOC = """
### Mục đích / Purpose
Takes each provider's monthly statement from the folder MOTCUA_STATEMENTS and matches every line with our attempts, and
every inquiry to 9029: *exact*, *partial* (segments, amount, status, time or month differ), *theirs only*, *ours only*.
The page *Đối soát nhà mạng* shows the verdicts, every row that differs, and files that were refused. A file is taken
once; a corrected file supersedes the one before, which stays. Files are taken one at a time, the oldest first.

### Lịch chạy / Schedule
07:00 on the 5th and the 10th of each month, clock of Vietnam; started by hand, it takes whatever is new in the folder.
A **backfill** takes the files whose names tell its month (the one before its date), and judges that month.

### Khi đỏ / When a run is red
Open the log of **gate**.
- *File … is refused*: it cannot be read; nothing of it was kept. The log names line, column and what to do, and so does
  the page, in Vietnamese, until a good file of that month is there. Put a corrected file into the folder, or adapt
  `include/statements/<form>.yaml` if the provider changed its form, and clear the run.
- *over the agreed tolerance*: `motcua statements rows <number>` lists what differs, for the provider. A corrected file
  makes the next run green.
- *no statement of …*: before the 10th a warning only. Ask the provider for it.
"""


@dag(
    dag_id="reconcile_carrier",
    dag_display_name="Đối soát với nhà mạng",
    description="Đối chiếu bảng kê hằng tháng của nhà mạng với tin nhắn đã gửi và lượt tra cứu 9029",
    doc_md=DOC,
    schedule=CronTriggerTimetable("0 7 5,10 * *", timezone="Asia/Ho_Chi_Minh", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DAG_DEFAULTS,
    tags=["doi-soat", "mot-cua"],
)
def reconcile_carrier() -> None:
    """Find files → take each → gate."""

    @task(task_display_name="Tìm bảng kê mới")
    def find_files() -> list[dict[str, str]]:
        from motcua.jobs.tasks.reconcile_carrier import find_files as job

        return job(run_window(get_current_context()))

    # One at a time: of two files of one month the later one corrects the other, and a million lines need a gigabyte.
    @task(
        task_display_name="Đối soát từng bảng kê",
        map_index_template="{{ statement }}",
        max_active_tis_per_dagrun=1,
    )
    def take_file(form: str, file: str) -> dict[str, Any]:
        from motcua.jobs.tasks.reconcile_carrier import take_file as job

        context = get_current_context()
        context["statement"] = f"{form}/{file}" if form else file  # type: ignore[typeddict-unknown-key]
        return job(form, file, context["run_id"])

    @task(**GATE)
    def gate() -> None:
        from motcua.jobs.tasks.reconcile_carrier import gate as job

        context = get_current_context()
        taken = context["ti"].xcom_pull(task_ids=["take_file"])
        job(run_window(context), [each for each in taken if each], failed_tasks(context))

    take_file.expand_kwargs(find_files()) >> gate()


reconcile_carrier()
