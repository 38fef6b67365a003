"""Data quality, every morning before the desks open: bad phones, and statuses that do not match reality."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from motcua.orchestration import DAG_DEFAULTS, GATE, failed_tasks, run_window
from motcua.settings import settings

DOC = """
### Mục đích / Purpose
Holds the dossiers, transitions, messages and receipts of the last months against the rules of
`include/quality/rules.yaml`: phones that cannot be texted, statuses that run ahead of the paper, sources that fell
silent. Great Expectations gives every verdict. Each agency gets a mail with its rows to correct, the Department one
over all. A finding that was mended at the desk leaves the list by itself the next morning.

### Lịch chạy / Schedule
05:30 every day, clock of Vietnam, before the desks open. On days off it checks and mails nothing; the mail of the next
working day tells of everything since the last one. Started by hand, it checks what the ledger holds now. A **backfill**
of a past day checks nothing again, because the ledger of that day is gone: it takes that day's sealed run, for mails
that are still owed, and says so; a past day without a run stays without one. A run is sealed: clearing **check**
changes nothing in it.

### Khi đỏ / When a run is red
Bad data do not make a run red: they are what it is for. Open the log of **gate**.
- *check(s) or agencies … broken*: a check could not be made, or an agency's part of the snapshot is not whole; it is
  neither green nor a finding. `motcua quality show` names it.
- *task mail_agency failed*: clear that one mapped task; mails that went out are not sent twice.
- *task check failed*: the ledger did not answer, or the rules' file or MOTCUA_QUALITY_THRESHOLDS cannot be read.
"""


@dag(
    dag_id="check_quality",
    dag_display_name="Kiểm tra chất lượng dữ liệu",
    description="Số điện thoại không nhắn được và trạng thái không đúng thực tế, mỗi sáng trước giờ làm việc",
    doc_md=DOC,
    schedule=CronTriggerTimetable(
        f"{settings().quality_time.minute} {settings().quality_time.hour} * * *",
        timezone="Asia/Ho_Chi_Minh",
        interval=timedelta(days=1),
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DAG_DEFAULTS,
    tags=["chat-luong", "mot-cua"],
)
def check_quality() -> None:
    """Check → choose agencies → mail each, and the Department → gate."""

    @task(task_display_name="Kiểm tra dữ liệu")
    def check() -> dict[str, Any]:
        from motcua.jobs.tasks.check_quality import check as job

        context = get_current_context()
        return job(context["run_id"], run_window(context))

    @task(task_display_name="Chọn cơ quan nhận thư")
    def agencies_to_mail(checked: dict[str, Any]) -> list[str]:
        from motcua.jobs.tasks.check_quality import agencies_to_mail as job

        return job(checked["run_no"])

    @task(task_display_name="Gửi thư cho cơ quan", map_index_template="{{ agency_code }}")
    def mail_agency(agency: str, checked: dict[str, Any]) -> Any:  # noqa: ANN401 - the mailer's own counts
        from motcua.jobs.tasks.check_quality import mail_agency as job

        context = get_current_context()
        context["agency_code"] = agency  # type: ignore[typeddict-unknown-key]
        return job(checked["run_no"], agency)

    @task(task_display_name="Gửi thư cho Sở")
    def mail_department(checked: dict[str, Any]) -> Any:  # noqa: ANN401 - the mailer's own counts
        from motcua.jobs.tasks.check_quality import mail_department as job

        return job(checked["run_no"])

    @task(**GATE)
    def gate() -> None:
        from motcua.jobs.tasks.check_quality import gate as job

        context = get_current_context()
        checked = context["ti"].xcom_pull(task_ids="check") or {}
        job(checked.get("run_no"), failed_tasks(context))

    checked = check()
    mails = mail_agency.partial(checked=checked).expand(agency=agencies_to_mail(checked))
    [mails, mail_department(checked)] >> gate()


check_quality()
