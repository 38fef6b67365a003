"""Test the page "Lượt này đã làm gì" for each DAG, each state of a run, and each kind of visitor."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from airflow.models import DagRun, TaskInstance, import_all_models
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from motcua import dag_texts
from motcua.domain.checks import CHECKS, GATE, Finding, fault
from motcua.jobs.gates import RunIncomplete
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.quality.checking import check_quality
from motcua.jobs.run_alerts import save_red_run
from motcua.orchestration import tell_red_gate
from motcua.reports.lists import words_of
from motcua.store.ledger.database import connect
from motcua.store.ledger.sessions import Run, work_for
from motcua.store.notices.gateways import GatewayStop
from motcua.store.upkeep import CleanedOf, save_cleaning
from motcua.web import airflow as web_airflow
from motcua.web.airflow import AirflowRun, FailedTask, find_airflow_run
from motcua.web.staff import run_page
from motcua_plugin import MotcuaPlugin
from tests.ground import NHA_TRANG, NOW, TU_PHAP, in_ledger, take_in
from tests.integration.conftest import gateway  # noqa: F401 - a fixture
from tests.web.ledger_rows import put, put_closing, put_evening, put_publication
from tests.web.visiting import VISITING

RUN_ID = "scheduled__2026-11-25T10:30:00+00:00"
NOTIFY = Run("notify_transitions", RUN_ID)


@pytest.fixture
def staff(app, agencies) -> Iterator[TestClient]:
    with VISITING.browse(app) as http:
        yield http
    work_for(None)


def airflow_says(state: str, *failed: FailedTask, **changes) -> None:
    """Make Airflow return this state for every run."""
    now = datetime.now(UTC)
    values = {
        "state": state,
        "run_type": "scheduled",
        "started_by": None,
        "began_at": now - timedelta(seconds=40),
        "ended_at": now if state in ("success", "failed") else None,
        "window": None,
        "conf": {},
        "failed": failed,
    }
    VISITING.airflow_says(AirflowRun(**values | changes))


def page_of(staff, run: Run = NOTIFY):
    return staff.get("/motcua/run", params={"dag_id": run.dag_id, "run_id": run.run_id})


def words(answer) -> str:
    assert answer.status_code == 200, answer.text
    main = answer.text.partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", "<" + main)).split())


def began(dag_id: str) -> None:
    """Record a run that opened the ledger and found nothing to do."""
    work_for(Run(dag_id, RUN_ID))
    with connect():
        pass
    work_for(None)


def send_some(one_stop, gateway, *numbers: str, agency=NHA_TRANG, script=()) -> None:  # noqa: F811
    """Plan and send messages about results to these phone numbers, as the run ``NOTIFY``."""
    now = datetime.now(UTC)
    for place, number in enumerate(numbers):
        one_stop.both(9, f"{agency[-3:]}-{place}<b>", agency, at=now, applicant_phone=number)
    gateway.script = list(script)
    work_for(NOTIFY)
    take_in(now=now)
    send(NOTIFY.run_id, clock=lambda: now)
    work_for(None)


# ------------------------------------------------------------------------------------------------ every DAG and state


def test_run_of_every_dag_says_how_it_stands_and_whether_it_had_nothing_to_do(staff):
    dags = dag_texts.words()["dags"]
    assert {"notify_transitions", "reconcile_daily"} <= dags.keys()
    for state, expected in (
        ("queued", "Lượt này đang chờ đến lượt, chưa làm gì."),
        ("running", "Lượt này đang chạy, chưa làm gì."),
        ("failed", "Lượt này bị lỗi: còn việc phải làm."),
        ("success", "Lượt này không có gì phải làm."),
    ):
        airflow_says(state)
        for dag_id, dag in dags.items():
            if state == "success":
                began(dag_id)
            said = words(page_of(staff, Run(dag_id, RUN_ID)))
            assert expected in said, (dag_id, state)
            assert ("không có gì phải làm" in said) == (state == "success")
            assert dag["name"] in said
            assert "theo lịch" in said


def test_who_started_a_run_and_its_window_are_shown_but_no_name_to_auditors(staff):
    began(NOTIFY.dag_id)
    window = datetime(2026, 11, 25, 1, tzinfo=UTC), datetime(2026, 11, 25, 2, tzinfo=UTC)
    airflow_says("success", run_type="backfill", started_by="lan", window=window)
    said = words(page_of(staff))
    assert "chạy bù (backfill), lan" in said
    assert "từ 8:00 25/11/2026 đến 9:00 25/11/2026" in said
    VISITING.visit_as("auditor")
    assert "lan" not in words(page_of(staff)).split(" · ")[1]


def test_run_that_there_is_not_is_refused_in_words(staff):
    for dag_id, run_id in (
        ("notify_transitions", "no such run"),
        ("no_dag", RUN_ID),
        ("notify_transitions", ""),
        ("notify_transitions", "x" * 251),
        ("notify_transitions", "a\0b"),
    ):
        answer = staff.get("/motcua/run", params={"dag_id": dag_id, "run_id": run_id})
        assert answer.status_code == 404
        assert "Không có lượt chạy này" in answer.text


def test_run_from_before_runs_were_numbered_shows_what_is_known(staff, one_stop, gateway, rows):  # noqa: F811
    """Old versions did not number their runs. The page of such a run must show what is known, and no false zeros."""
    send_some(one_stop, gateway, "0905123001")
    rows("ALTER TABLE motcua.message_history DISABLE TRIGGER USER")
    rows("UPDATE motcua.message_history SET run_no = NULL")
    rows("UPDATE motcua.attempts SET run_no = NULL")
    rows("DELETE FROM motcua.pick_ups")
    rows("DELETE FROM motcua.runs")
    airflow_says("success")
    said = words(page_of(staff))
    assert "Không rõ lượt này đã đọc, lập và hủy tin nào" in said
    assert "có thể gồm cả lượt trùng tên của DAG khác" in said
    assert "Gửi 1 lần: nhà mạng nhận 1, lỗi 0." in said
    assert "Lập 0 tin" not in said
    VISITING.airflow_says(None)
    assert "Airflow không còn giữ lượt này." in words(page_of(staff))


def test_run_whose_tasks_never_reached_the_ledger_is_not_called_idle(staff):
    """A run without any record in the ledger must not be shown as a run with nothing to do."""
    airflow_says("success")
    said = words(page_of(staff))
    assert "không có gì phải làm" not in said
    assert "Không rõ lượt này đã đọc, lập và hủy tin nào" in said


# --------------------------------------------------------------------------------------------- the figures of a run


@pytest.mark.guarantee("airflow", "a run's tab shows what it planned, sent, suppressed and failed, and no number")
def test_what_was_planned_sent_suppressed_and_failed_is_told_with_links_and_no_number(
    staff,
    one_stop,
    gateway,  # noqa: F811
):
    one_stop.move(9, "D-x", "no agency", at=datetime.now(UTC))
    script = [(202, "0: Accepted"), "hang", (400, "Missing receiver number, rejected")]
    send_some(one_stop, gateway, "0905123001", "0905123002", "0905123003", "", "0258", script=script)
    airflow_says("success")
    answer = page_of(staff)
    said = words(answer)
    assert "Lập 5 tin. Gửi 3 lần: nhà mạng nhận 1, lỗi 2. 2 tin không gửi, lý do ở dưới." in said
    assert "5 Có kết quả" in said
    assert "1 Không gửi: Không có số điện thoại" in said
    assert "1 Không gửi: Thiếu chữ số" in said
    assert "1 nhà mạng từ chối số điện thoại" in said
    assert "1 không có trả lời, chưa rõ kết quả" in said
    assert "khanhhoa 5 5" in said
    assert "1 khanhhoa: mã cơ quan chưa khai" in said
    assert "Dữ liệu tính đến" in answer.text
    assert "0905123" not in answer.text
    assert "84905123" not in answer.text
    assert "<b>" not in answer.text.partition("30-0")[2][:10], "a dossier's code must be escaped"
    links = [urlsplit(html.unescape(link)) for link in re.findall(r'href="([^"]+)"', answer.text)]
    filters = [parse_qs(link.query) for link in links if link.path == "/motcua/messages" and link.query]
    of_run = {"run": [RUN_ID], "dag": ["notify_transitions"]}
    assert of_run | {"state": ["suppressed"], "reason": ["missing"]} in filters
    assert of_run | {"kind": ["result"]} in filters
    assert of_run in filters
    dossiers = [parse_qs(link.query) for link in links if link.path == "/motcua/dossiers"]
    assert {"agency": [NHA_TRANG], "code": [f"{NHA_TRANG[-3:]}-0<b>"]} in dossiers


@pytest.mark.guarantee("pages", "an agency's user sees only his agencies' part of a run")
def test_agency_user_sees_what_a_run_did_for_his_agency_alone(staff, one_stop, gateway):  # noqa: F811
    send_some(one_stop, gateway, "0905123001", "0905123002")
    send_some(one_stop, gateway, "0905123003", agency=TU_PHAP)
    save_red_run(NOTIFY.dag_id, RUN_ID, [fault("attempts_failed", "", messages=1, outcome="transient")])
    airflow_says("failed")
    VISITING.visit_as("agency", TU_PHAP)
    answer = page_of(staff)
    said = words(answer)
    assert "Lập 1 tin. Gửi 1 lần: nhà mạng nhận 1, lỗi 0." in said
    assert "khanhhoa 1 1" in said
    assert NHA_TRANG not in answer.text
    assert "cổng nhắn tin bận" not in said, "an agency must not see the reasons, which concern all agencies"
    assert "Sở Thông tin và Truyền thông đã được báo" in said
    VISITING.visit_as("agency")
    airflow_says("success")
    said = words(page_of(staff))
    assert "Lượt này không có gì phải làm cho cơ quan của bạn." in said


def test_agency_user_reads_no_source_and_no_agency_of_others_in_failed_tasks(staff):
    airflow_says("failed", FailedTask("pick_up", "mot_cua_tu_phap"), FailedTask("mail", "Sở Tư pháp"))
    assert "Không đọc được nguồn mot_cua_tu_phap. " in words(page_of(staff))
    assert "Chưa gửi được báo cáo cho Sở Tư pháp. " in words(page_of(staff, Run("reconcile_daily", RUN_ID)))
    VISITING.visit_as("agency", NHA_TRANG)
    for run in (NOTIFY, Run("reconcile_daily", RUN_ID)):
        said = words(page_of(staff, run))
        assert "tu_phap" not in said
        assert "Sở Tư pháp" not in said
        assert "Sở Thông tin và Truyền thông đã được báo" in said


def test_more_messages_than_are_listed_lead_to_all_of_them(staff, one_stop, gateway, monkeypatch):  # noqa: F811
    send_some(one_stop, gateway, "0905123001", "0905123002")
    airflow_says("success")
    assert "Xem tất cả tin của lượt này" not in words(page_of(staff))
    monkeypatch.setattr(run_page, "_SHOWN", 1)
    assert "Xem tất cả tin của lượt này" in words(page_of(staff))


def test_evening_tells_each_agencys_part(staff, rows):
    """The page of a run that planned apologies has a line for each agency. Users of an agency see only its line."""
    run = Run("apologize_due_tomorrow", RUN_ID)
    work_for(run)
    with connect():
        pass
    at = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
    (number,) = rows("SELECT max(run_no) AS no FROM motcua.runs")
    put_evening(rows, NHA_TRANG, at, looked_at=12, queued=3, suppressed=2, run_no=number["no"])
    airflow_says("success")
    said = words(page_of(staff, run))
    assert "Ủy ban nhân dân thành phố Nha Trang 25/11/2026 đã lập 12 3 2 0" in said
    VISITING.visit_as("agency", TU_PHAP)
    assert "Nha Trang" not in words(page_of(staff, run))


def test_closings_checks_and_statements_are_told_with_their_mails(staff, rows):
    for number in (1, 2):
        put_closing(rows, number, f"2026-11-2{number}", run=RUN_ID, difference=number - 1)
    put_publication(rows, 1, 1)
    now = datetime.now(UTC)
    mail = {"report": "publication", "report_no": 1, "recipient_hash": "b" * 64, "edition": 1, "attempts": 1}
    for body, state, failure in (("department", "sent", None), (NHA_TRANG, "failed", "refused")):
        put(rows, "report_mails", body=body, state=state, failure=failure, reserved_at=now, settled_at=now, **mail)
    airflow_says("success")
    said = words(page_of(staff, Run("reconcile_daily", RUN_ID)))
    assert "ngày 21/11/2026" in said.replace("\u00a0", " ")
    assert "khớp số 1" in said
    assert "chênh lệch 1, 0 dòng chưa rõ lý do chưa công bố" in said
    assert "Sở Thông tin và Truyền thông số 1 1 thư đã gửi" in said
    assert "thành phố Nha Trang số 1 1 thư chưa gửi được" in said
    VISITING.visit_as("agency", TU_PHAP)
    own = words(page_of(staff, Run("reconcile_daily", RUN_ID)))
    assert "chênh lệch" not in own
    assert "Nha Trang" not in own
    refused = {"form": "vnpt", "file_name": "11-2026<i>.csv", "faults": 1, "message": "wrong"}
    put(rows, "refused_statements", refused_at=now, refused_by=RUN_ID, **refused)
    VISITING.visit_as("operator")
    said = words(page_of(staff, Run("reconcile_carrier", RUN_ID)))
    assert "vnpt/11-2026<i>.csv không rõ bị từ chối" in said


def test_check_of_quality_is_told(staff, rows):
    check_quality(RUN_ID, datetime(2026, 11, 25, tzinfo=UTC))
    airflow_says("success")
    said = words(page_of(staff, Run("check_quality", RUN_ID)))
    assert "Lần kiểm tra số 1, ngày 25/11/2026." in said
    assert "0 hồ sơ được kiểm tra" in said
    assert "không có gì phải làm" not in said


def test_cleaning_of_airflow_shows_what_was_removed_and_what_could_not_be(staff):
    done = [
        CleanedOf("dag_run", 1440),
        CleanedOf("xcom", 0, failed="LockNotAvailable"),
        CleanedOf("deadline", 3),
        CleanedOf("log_files", 7200, 12_340_000),
        CleanedOf("job", 0),
    ]
    work_for(run := Run("clean_airflow", RUN_ID))
    in_ledger(save_cleaning, datetime.now(UTC), done)
    work_for(None)
    airflow_says("success")
    said = words(page_of(staff, run))
    assert "1.440 lượt chạy" in said
    assert "0 giá trị tác vụ chuyển cho nhau (XCom); chưa xóa hết" in said
    assert "3 dòng của bảng deadline" in said
    assert "7.200 tệp nhật ký (12,3 MB)" in said
    assert "chương trình đã dừng" not in said, "a table without removed rows must not be named"
    VISITING.visit_as("agency", NHA_TRANG)
    assert "1.440" not in words(page_of(staff, run))


# ------------------------------------------------------------------------------------------------- why a run is red


def test_failed_task_says_what_it_was_about_and_what_to_do(staff):
    began(NOTIFY.dag_id)
    airflow_says("failed", FailedTask("pick_up", "khanhhoa"), FailedTask("gate", ""))
    said = words(page_of(staff))
    assert "Không đọc được nguồn khanhhoa. Nguồn khác không bị ảnh hưởng" in said


def test_parameter_that_was_refused_is_said_again(staff):
    """If a run was started with a mistyped parameter, the page must name the parameter as the cause of the failure."""
    began(NOTIFY.dag_id)
    airflow_says("failed", FailedTask("plan", ""), conf={"release_unknwon": True})
    said = words(page_of(staff))
    assert "không có tham số “release_unknwon”" in said
    assert "Không lập được tin nhắn" not in said


def test_what_the_gate_said_is_told_in_vietnamese_once_and_only_while_the_run_is_red(staff):
    began(NOTIFY.dag_id)
    red = RunIncomplete(
        [
            fault("task_failed", "pick_up"),
            fault("attempts_failed", "transient", messages=2, outcome="transient"),
            GatewayStop("kannel", "gateway", "", *[datetime.now(UTC)] * 2, "403 Authorization failed").finding,
            fault("source_failing", "vanphong", since=None),
            fault("gate_failed", "", "something new 0905123456 here"),
        ]
    )
    run = SimpleNamespace(
        dag_id=NOTIFY.dag_id, run_id=RUN_ID, run_type="backfill", data_interval_start=NOW, data_interval_end=NOW
    )
    tell_red_gate({"dag_run": run, "exception": red})
    airflow_says("failed")
    answer = page_of(staff)
    said = words(answer)
    assert "2 tin chưa gửi được vì cổng nhắn tin bận." in said
    assert re.search("Cổng kannel ngừng gửi từ .*: 403 Authorization failed", said)
    assert "Đọc nguồn vanphong bị lỗi" in said
    assert 'href="/motcua/checks/gateway_stopped"' in answer.text
    assert "ghi (tiếng Anh): something new *** here" in said
    assert "task pick_up failed" not in said
    assert "0905123456" not in answer.text
    airflow_says("success")
    assert "cổng nhắn tin bận" not in words(page_of(staff))


def test_everything_that_a_gate_finds_has_words_and_something_to_do():
    """Each fault that a gate (the last task of a run) reports needs Vietnamese words: the reason, and what to do."""
    at = "2026-11-25T10:30:00+00:00"
    for name, facts, why in (
        ("attempts_failed", {"messages": 3, "outcome": "unknown"}, "3 tin không có trả lời"),
        ("attempts_failed", {"messages": 3, "outcome": None}, "3 tin không có trả lời"),
        ("attempts_failed", {"messages": 1, "outcome": "configuration"}, "1 tin chưa gửi được vì cổng từ chối"),
        ("attempts_failed", {"messages": 1, "outcome": "phone"}, "1 tin đã thử mà chưa xong"),
        ("messages_held_up", {"messages": 5}, "5 tin đến hạn trong khi một cổng đang dừng"),
        ("messages_wait", {"messages": 4}, "4 tin của phút này"),
        ("apologies_late", {"agencies": 3, "evening": at}, "chưa được lập cho 3 cơ quan"),
        ("unknown_old", {"messages": 2, "gateway": "kannel", "since": None}, "2 tin ở cổng kannel chưa rõ"),
        ("watch_silent", {"since": at}, "Chương trình giám sát không hoạt động từ"),
        ("gateway_misconfigured", {"fault": "The Airflow connection sms_esms"}, "Kết nối tới cổng x hỏng"),
        ("file_refused", {"file": 3}, "Tệp số 3 của nguồn x bị từ chối"),
        ("requests_untold", {"requests": 2, "why": "SMTP 550"}, "2 yêu cầu"),
        ("quality_broken", {"broken": 1, "run": 7}, "1 quy tắc hoặc cơ quan của lần kiểm tra số 7"),
        ("source_not_counted", {"period": "2026-11-25", "closing": 9, "sources": "a"}, "không đếm được ở nguồn a"),
        ("closing_differs", {"period": "2026-11-25", "closing": 9, "difference": -3, "rows": 2}, "chênh lệch -3"),
        ("events_unread", {"period": "2026-11", "closing": 9, "events": 4}, "nguồn có 4 thay đổi"),
        ("statement_over", {"form": "vnpt", "month": "11/2026", "statement": 2}, "Bảng kê vnpt tháng 11/2026 (số 2)"),
        ("statement_missing", {"month": "11/2026", "segments": 40}, "Chưa có bảng kê của x"),
        ("statement_refused", {}, "Tệp x bị từ chối"),
        ("publication_differs", {"period": "2026-11", "faults": 4, "closing": 9, "since": None}, "KHÔNG KHỚP"),
        ("publication_unverified", {}, "Không kiểm tra lại được bản công bố số x"),
        ("publications_overdue", {"publications": 3, "days": 31, "first": 9}, "3 bản công bố đã quá 31 ngày"),
        ("airflow_not_connected", {}, "chưa được kết nối"),
        ("airflow_tables_left", {}, "Chưa dọn được bảng của Airflow: x. Các bảng khác"),
        ("logs_left", {"files": 2}, "2 tệp hoặc thư mục nhật ký không xóa được"),
        ("publication_stray", {"folders": 1}, "1 thư mục trong chỗ lưu có tệp kê"),
        ("purge_impossible", {}, "Không xóa được dữ liệu cá nhân"),
        ("old_files_left", {"files": 2}, "2 tệp bảng kê"),
        ("ledger_behind", {"kind": "behind_journal", "messages": 1, "since": None, "until": None}, "Không tin nào"),
        ("ledger_behind", {"kind": "behind_watch", "messages": 1, "since": None, "until": at}, "đang giữ lại"),
        ("ledger_behind", {"kind": "other_journal", "messages": 1, "since": None, "until": None}, "Không tin nào"),
        ("ledger_slept", {"messages": 1, "since": None, "woke_at": None}, "Hệ thống ngừng từ"),
        ("unserved", {"what": "looking", "since": None}, "Không có gì theo dõi"),
        ("gateway_stopped", {"gateway": "x", "part": "", "since": None, "by_hand": 0, "reason": "12"}, ": 12"),
        ("source_failing", {"since": None}, "Đọc nguồn x bị lỗi"),
        ("gate_failed", {"detail": "words"}, "(tiếng Anh): words"),
    ):
        assert GATE in CHECKS[name].asked_by
        (trouble,) = run_page.troubles_of_gate(json.dumps([asdict(Finding(name, facts, "x"))]))
        assert why in trouble.why.replace("\u00a0", " "), name
        assert trouble.todo, name
    kept = "task send failed; 2 message(s) transient"
    (trouble,) = run_page.troubles_of_gate(kept)
    assert kept in trouble.why, "a reason of an earlier version must be shown unchanged"


def test_every_task_but_the_gate_has_words_for_its_failure():
    texts = dag_texts.words()
    tasks = {task for dag in texts["dags"].values() for task in dag["tasks"]} | set(texts["shared_tasks"])
    assert set(run_page.run_words()["task"]) == tasks - {"gate"}


def test_whatever_the_ledger_may_hold_has_words(rows):
    """Each outcome and reason that a constraint of the ledger allows must have Vietnamese words."""
    for constraint, told in (
        ("attempts_outcome_check", run_page.run_words()["outcome"]),
        ("quarantine_reason_check", words_of("unusable.reason")),
    ):
        (found,) = rows("SELECT pg_get_constraintdef(oid) AS it FROM pg_constraint WHERE conname = %s", constraint)
        assert set(re.findall(r"'(\w+)'", found["it"])) <= set(told)


# ------------------------------------------------------------------------------------------------- Airflow's own part


@pytest.fixture
def airflow_database(monkeypatch):
    """Create Airflow's tables of runs and task instances, empty and without the tables to which they refer."""
    import_all_models()
    engine = create_engine("sqlite://", poolclass=StaticPool)
    for table in (DagRun.__table__, TaskInstance.__table__):
        table.create(engine)

    @contextmanager
    def create_session():
        with Session(engine) as session, session.begin():
            yield session

    monkeypatch.setattr(web_airflow, "create_session", create_session)
    return create_session


def test_run_is_found_in_airflow_with_the_names_of_what_failed(airflow_database):
    now = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
    with airflow_database() as session:
        for number, dag_id in enumerate(("notify_transitions", "apologize_due_tomorrow"), 1):
            session.execute(
                DagRun.__table__.insert().values(
                    id=number, dag_id=dag_id, run_id=RUN_ID, run_type="backfill", state="failed", run_after=now,
                    start_date=now, end_date=now, data_interval_start=now, data_interval_end=now, conf={"a": 1},
                    triggering_user_name="lan", clear_number=0, span_status="not_started", queued_at=now,
                    log_template_id=None,
                )
            )  # fmt: skip
        for map_index, label, state in ((0, "khanhhoa", "failed"), (1, None, "failed"), (2, "x", "success")):
            session.execute(
                TaskInstance.__table__.insert().values(
                    id=uuid4(), dag_id="notify_transitions", run_id=RUN_ID, task_id="pick_up", map_index=map_index,
                    rendered_map_index=label, state=state, task_display_name="Đọc nguồn", pool="default_pool",
                    pool_slots=1, queue="default", priority_weight=1, executor_config={}, try_number=1,
                    span_status="not_started",
                )
            )  # fmt: skip
    found = find_airflow_run("notify_transitions", RUN_ID)
    assert (found.state, found.run_type, found.started_by, found.conf) == ("failed", "backfill", "lan", {"a": 1})
    assert found.began_at == now
    assert found.window == (now, now)
    assert found.failed == [FailedTask("pick_up", "khanhhoa"), FailedTask("pick_up", "số 2")]
    assert find_airflow_run("apologize_due_tomorrow", RUN_ID).failed == []
    assert find_airflow_run("notify_transitions", "another") is None


def test_tab_gives_the_page_what_it_asks_for():
    """The tab in Airflow must open the page with the parameters that the page reads."""
    (tab,) = [view for view in MotcuaPlugin.external_views if view["destination"] == "dag_run"]
    assert tab["name"] == "Lượt này đã làm gì"
    assert parse_qs(urlsplit(tab["href"]).query) == {"dag_id": ["{DAG_ID}"], "run_id": ["{RUN_ID}"]}


def test_reasons_of_a_gate_show_no_phone_number_even_if_the_stored_row_is_broken():
    kept = json.dumps([asdict(Finding("file_refused", {"file": "0905123456"}, "84905123456"))])
    for left in (kept, "message to 0905123456 failed"):
        (trouble,) = run_page.troubles_of_gate(left)
        assert "905123456" not in trouble.why + trouble.todo
