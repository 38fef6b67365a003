"""A watch over a real ledger: what is wrong is told once, and again when it is over, whatever is down."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyrage.x25519 import Identity

from motcua.domain.checking.kinds import Findings
from motcua.domain.checks import (
    ALERT_NAMES,
    CHECKS,
    GATE,
    HOURLY,
    OVERVIEW,
    SOURCE_CHECK,
    WATCH,
    asked_by,
)
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.gates import RunIncomplete
from motcua.jobs.tasks.settle_messages import gate
from motcua.jobs.watching import checks
from motcua.jobs.watching.keeping import AlreadyWatching, the_one_watch
from motcua.jobs.watching.watch import Watch
from motcua.reports.checks import check_words, words_of
from motcua.store.checking.checks import keep_check
from motcua.store.ledger.database import connect
from motcua.store.notices.gateways import GatewayStop, stop_gateway
from motcua.store.upkeep import CleanedOf, save_cleaning
from motcua.store.watching.watch import list_alerts, watch_life
from tests.ground import NHA_TRANG, agency, in_ledger, take_in, type_command, write_backup
from tests.integration.watching.conftest import LAN, MINH, Watched

ROOT = Path(__file__).parents[3]


def save(code: str = NHA_TRANG, **changes: Any) -> None:
    from motcua.store.agencies import save_agencies

    in_ledger(save_agencies, [agency(code, **changes)], "tests")


def mirrored() -> dict[str, Any]:
    return {each.name: each for each in in_ledger(list_alerts, datetime(2000, 1, 1, tzinfo=UTC), 100)}


# --- Telling


@pytest.mark.guarantee("watch", "an alert is told once when it is sure, and once when it is over")
def test_alert_is_mailed_once_with_what_to_do_and_once_when_it_is_over(watched: Watched):
    watched.look()
    watched.outside.airflow_status = 503
    watched.look()
    assert watched.mails() == []
    watched.look()
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Airflow không trả lời"]
    watched.look(5)
    assert watched.mails() == []
    watched.outside.airflow_status = 200
    watched.look(2)
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Airflow không trả lời"]
    watched.look(3)
    assert watched.mails() == []
    _, raised = next(each for each in watched.mail.taken if "Cảnh báo" in str(each[1]["Subject"]))
    text = raised.get_body(("plain",)).get_content()
    assert "Nghĩa là: Tin mới không được gửi" in text
    assert "Cần làm: docker compose ps airflow-apiserver" in text
    assert "docs/operations/alerts/airflow_unreachable.md" in text
    assert "motcua alerts acknowledge airflow_unreachable" in text


def test_intake_that_does_not_answer_is_told_and_so_is_that_it_answers_again(watched: Watched):
    watched.look()
    watched.mails()
    watched.outside.intake_status = 503
    watched.look(2)
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Dịch vụ tiếp nhận dữ liệu đẩy không trả lời (503)"]
    watched.outside.intake_status = 200
    watched.look(2)
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Dịch vụ tiếp nhận dữ liệu đẩy không trả lời (503)"]


def checked(*kinds: str, source: str = "khanhhoa") -> None:
    """A check of a source that found these."""
    found = Findings()
    for kind in kinds:
        found.add(kind)
    in_ledger(keep_check, source, datetime.now(UTC), dossiers=1, transitions=1, findings=found.in_order())


@pytest.mark.guarantee("watch", "what a check newly finds wrong with a source is told once, and that it is mended once")
def test_each_finding_of_a_check_that_forbids_is_told_once_and_its_end_once(watched: Watched, configure):
    configure(MOTCUA_SOURCES="khanhhoa")
    save()
    checked("phones_missing")
    watched.look(minutes=6)
    watched.mails()
    checked("phones_missing", "desk_never")
    watched.look(minutes=6)
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Nguồn khanhhoa: Không hồ sơ nào ở Bộ phận Một cửa"]
    _, raised = next(each for each in watched.mail.taken if "Cảnh báo: Nguồn" in str(each[1]["Subject"]))
    text = " ".join(raised.get_body(("plain",)).get_content().split())
    assert "motcua sources check khanhhoa" in text
    assert check_words()["checks"]["desk_never"]["todo"] in text
    assert mirrored()["desk_never"].subject == "khanhhoa"
    checked("desk_never", "numbers_go_back")
    watched.look(minutes=6)
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Nguồn khanhhoa: Số thứ tự quay lại"]
    # A morning at which it could not be looked at says nothing of what was found; that is told by its pick-up.
    checked("unreachable")
    watched.look(minutes=6)
    assert watched.mails() == []
    checked("numbers_go_back")
    watched.look(minutes=6)
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Nguồn khanhhoa: Không hồ sơ nào ở Bộ phận Một cửa"]
    # One that is read no more has no findings.
    configure(MOTCUA_SOURCES="vanphong")
    state = watched.look(minutes=6)
    assert not [key for key in watched.open_alerts(state) if key.startswith(("desk_never", "numbers_go_back"))]


def test_several_alerts_of_one_look_are_one_mail(watched: Watched):
    watched.look()
    watched.outside.health["scheduler"] = {"status": "unhealthy"}
    watched.outside.callbacks_status = 500
    watched.look(2)
    (subject,) = watched.mails()
    assert subject.endswith("và 1 việc khác")


@pytest.mark.guarantee("watch", "what could not be mailed is tried again, and nobody who has it gets it twice")
def test_recipient_who_was_refused_gets_it_later_and_the_other_not_again(watched: Watched, configure):
    configure(MOTCUA_WATCH_RECIPIENTS=f"{LAN}, {MINH}")
    watched.look()
    watched.mail.taken.clear()
    watched.mail.refuse.add(MINH)
    watched.outside.airflow_status = 503
    state = watched.look(4)
    assert [address for address, _ in watched.mail.taken] == [LAN]
    assert len(state.letters) == 1
    assert "550" in state.letters[0].failure
    assert MINH not in (watched.folder / "state.json").read_text()
    assert in_ledger(watch_life).unsent == 1
    watched.mail.refuse.clear()
    state = watched.look(10)
    assert [address for address, _ in watched.mail.taken] == [LAN, MINH]
    ids = {str(message["Message-ID"]) for _, message in watched.mail.taken}
    assert len(ids) == 2
    assert state.letters == []


def test_mail_server_that_is_away_is_tried_at_each_look(watched: Watched):
    watched.look()
    watched.mails()
    watched.mail.close()
    watched.outside.airflow_status = 503
    state = watched.look(3)
    assert [letter.failure for letter in state.letters] == ["ConnectionRefusedError"]
    assert state.alerts["airflow_unreachable"].told_at is None
    assert mirrored()["airflow_unreachable"].told_at is None


def test_webhook_gets_each_alert_and_its_end_as_json(watched: Watched, configure):
    configure(MOTCUA_WATCH_WEBHOOK=f"{watched.outside.url}/hook", MOTCUA_WATCH_RECIPIENTS="")
    watched.look()
    watched.outside.callbacks_status = 500
    watched.outside.webhook_status = 500
    state = watched.look(3)
    assert watched.outside.posted == []
    assert state.letters[0].failure == "webhook answered 500"
    watched.outside.webhook_status = 200
    watched.look()
    watched.outside.callbacks_status = 200
    watched.look(3)
    raised, over = watched.outside.posted
    assert raised["text"].startswith("CẢNH BÁO: ")
    assert [(each["name"], each["state"]) for each in raised["alerts"]] == [("callbacks_unhealthy", "open")]
    assert raised["alerts"][0]["facts"] == {"answer": 500}
    assert [(each["name"], each["state"]) for each in over["alerts"]] == [("callbacks_unhealthy", "over")]


@pytest.mark.guarantee("watch", "once a day a mail says that the watch lives, and what it looked at")
def test_each_day_one_mail_says_that_the_watch_lives(watched: Watched):
    def daily() -> list[str]:
        return [str(message["Subject"]) for _, message in watched.mail.taken if "Giám sát ngày" in message["Subject"]]

    watched.now = datetime(2026, 11, 25, 3, 0, tzinfo=VIETNAM)
    watched.look()
    assert len(daily()) == 1, "when it begins"
    watched.look(3)
    assert len(daily()) == 1
    watched.look(minutes=60 * 24)
    assert len(daily()) == 1, "before its hour"
    watched.look(2, minutes=60 * 3)
    assert daily()[1] == "[MotcuaSMS] Giám sát ngày 26/11/2026: không có cảnh báo"
    text = watched.mail.taken[-1][1].get_body(("plain",)).get_content()
    assert "- Sổ (PostgreSQL): tốt" in text
    assert "- Sổ cân: tốt (lệch 0" in text
    assert "- Các phần của Airflow: tốt (4 của 4 chạy)" in text
    assert "- Bản sao lưu: không đặt" in text


# --- What is down


@pytest.mark.guarantee("watch", "a ledger that is down is told, and what else is looked at goes on")
def test_ledger_that_is_down_is_told_and_airflow_is_still_looked_at(watched: Watched, monkeypatch):
    watched.look()
    there = os.environ["AIRFLOW_CONN_MOTCUA_DB"]
    monkeypatch.setenv("AIRFLOW_CONN_MOTCUA_DB", "postgres://nobody:word@127.0.0.1:1/nothing")
    watched.look(2)
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Không vào được sổ (PostgreSQL)"]
    watched.outside.airflow_status = 503
    watched.look(2)
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Airflow không trả lời"]
    monkeypatch.setenv("AIRFLOW_CONN_MOTCUA_DB", there)
    watched.outside.airflow_status = 200
    watched.look(3)
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Không vào được sổ (PostgreSQL) và 1 việc khác"]
    kept = mirrored()
    assert kept["ledger_unreachable"].over_at is not None
    assert kept["ledger_unreachable"].told_at is not None


def test_alert_of_the_ledger_stays_open_while_nobody_can_look(watched: Watched, monkeypatch, rows):
    save()
    watched.look()
    with connect() as connection:
        connection.execute("INSERT INTO motcua.gateways (name) VALUES ('kannel')")
        connection.execute("INSERT INTO motcua.gateways (name) VALUES ('given_up')")
        for name in ("kannel", "given_up"):
            stop = GatewayStop(name, "gateway", "", watched.now, watched.now + timedelta(hours=9), "test", by_hand=True)
            stop_gateway(connection, stop, changed_by="tests")
    watched.look(3)
    there = os.environ["AIRFLOW_CONN_MOTCUA_DB"]
    monkeypatch.setenv("AIRFLOW_CONN_MOTCUA_DB", "postgres://nobody:word@127.0.0.1:1/nothing")
    state = watched.look(5)
    assert watched.open_alerts(state) == ["gateway_stopped/kannel", "ledger_unreachable"]
    monkeypatch.setenv("AIRFLOW_CONN_MOTCUA_DB", there)
    state = watched.look(3)
    assert watched.open_alerts(state) == ["gateway_stopped/kannel"]


@pytest.mark.guarantee("watch", "a check that breaks stops no other, and is told itself")
def test_check_that_breaks_stops_no_other_and_is_told(watched: Watched, monkeypatch):
    def breaks(_: object) -> object:
        raise ZeroDivisionError("0905123456")

    broken = [
        checks.Question(each.name, each.judges, each.needs, breaks) if each.name == "callbacks" else each
        for each in checks.CHECKS
    ]
    watched.look()
    monkeypatch.setattr("motcua.jobs.watching.watch.CHECKS", broken)
    watched.outside.clock_is_off_by = timedelta(seconds=30)
    state = watched.look(2)
    assert watched.open_alerts(state) == ["check_failing/callbacks", "clock_off/airflow"]
    text = watched.mail.taken[-1][1].get_body(("plain",)).get_content()
    assert "Không kiểm tra được: Nhận báo cáo của nhà mạng" in text
    assert "ZeroDivisionError" in text
    assert "0905123456" not in text
    monkeypatch.undo()


def test_alert_whose_words_cannot_be_written_is_told_by_its_name(watched: Watched, monkeypatch):
    def breaks(*_: object) -> object:
        raise LookupError("a template of another version")

    watched.look()
    monkeypatch.setattr("motcua.jobs.watching.telling.compose_alerts", breaks)
    monkeypatch.setattr("motcua.jobs.watching.telling.compose_life", breaks)
    watched.outside.airflow_status = 503
    watched.look(2)
    assert watched.mails() == ["[MotcuaSMS] airflow_unreachable"]
    watched.now += timedelta(days=1)
    assert watched.look().daily_told_on == watched.now.date()


def test_statement_that_fails_breaks_its_check_alone(watched: Watched, rows):
    watched.look()
    rows("ALTER TABLE motcua.closings RENAME TO closings_away")
    state = watched.look(2)
    assert watched.open_alerts(state) == ["check_failing/daily_work"]
    assert state.looked["high_marks"].state == "ok"
    rows("ALTER TABLE motcua.closings_away RENAME TO closings")
    assert watched.open_alerts(watched.look(2)) == []


def test_runs_are_not_looked_at_without_a_user_and_a_refused_one_is_told(watched: Watched, configure):
    configure(MOTCUA_WATCH_AIRFLOW_USER="")
    state = watched.look()
    assert state.looked["red_runs"].state == "not_set"
    assert watched.outside.sign_ins == 0
    configure(MOTCUA_WATCH_AIRFLOW_USER="watch", MOTCUA_WATCH_AIRFLOW_PASSWORD="wrong")
    state = watched.look(2)
    assert watched.open_alerts(state) == ["check_failing/red_runs"]


PAGE = b"<html>watch-word 0905123456 internal server error</html>"


@pytest.mark.parametrize("path", ["/monitor/health", "/auth/token", "/dagRuns"])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, PAGE),
        (502, b""),
        (401, b"{}"),
        (403, b'{"detail": "watch-word"}'),
        (200, PAGE),
        (200, b"[]"),
        (200, b"null"),
        (200, b'{"dag_runs": [{"dag_id": 1}], "scheduler": "watch-word"}'),
        (200, b'{"dag_runs": 7, "access_token": 7}'),
        (204, b""),
    ],
)
def test_airflow_that_answers_nonsense_is_one_line_of_the_log_and_an_alert(
    watched: Watched, caplog: pytest.LogCaptureFixture, path, status, body
):
    watched.look()
    watched.outside.says[path] = status, body
    caplog.clear()
    state = watched.look(2)
    opened = set(watched.open_alerts(state))
    of_health = {"airflow_unreachable"} | {
        f"airflow_unhealthy/{part}" for part in ("metadatabase", "scheduler", "triggerer", "dag_processor")
    }
    assert opened, "it is told"
    assert opened <= (of_health if path == "/monitor/health" else {"check_failing/red_runs"})
    assert not [record for record in caplog.records if record.exc_info]
    lines = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(lines) == (0 if any("unhealthy" in key for key in opened) else 2), "one for each look"
    assert all("Airflow" in record.getMessage() for record in lines)
    assert all(secret not in caplog.text for secret in ("watch-word", "0905123456"))
    watched.outside.says.clear()
    assert watched.open_alerts(watched.look(2)) == []


def test_token_that_has_expired_is_asked_for_anew(watched: Watched, configure):
    from motcua.jobs.watching.outside import Airflow

    airflow = Airflow(watched.outside.url, "watch", "watch-word")
    assert airflow.failed_runs(watched.now) == []
    watched.outside.tokens.clear()
    assert airflow.failed_runs(watched.now) == []
    assert watched.outside.sign_ins == 2


# --- What is kept


def test_state_that_is_broken_is_put_aside_and_open_alerts_are_not_told_again(watched: Watched):
    watched.look()
    watched.outside.airflow_status = 503
    watched.look(2)
    assert len(watched.mails()) == 1
    (watched.folder / "state.json").write_text('{"began_at": 12')
    state = watched.look(3)
    assert watched.mails() == []
    assert watched.open_alerts(state) == ["airflow_unreachable"]
    assert len(list(watched.folder.glob("state.broken-*.json"))) == 1
    watched.outside.airflow_status = 200
    watched.look(2)
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Airflow không trả lời"]


def test_open_alert_that_this_version_does_not_know_any_more_goes_and_nothing_else(watched: Watched):
    watched.look()
    watched.outside.airflow_status = 503
    watched.look(2)
    path = watched.folder / "state.json"
    path.write_text(path.read_text().replace('"name":"airflow_unreachable"', '"name":"of_another_version"'))
    watched.outside.airflow_status = 200
    state = watched.look()
    assert state.alerts == {}
    assert state.daily_told_on is not None, "all else is kept"
    assert list(watched.folder.glob("state.broken-*.json")) == []


def test_state_that_is_missing_begins_anew_and_what_the_ledger_mirrors_is_known(watched: Watched):
    watched.look()
    watched.outside.airflow_status = 503
    watched.look(2)
    (watched.folder / "state.json").unlink()
    state = watched.look()
    assert watched.open_alerts(state) == ["airflow_unreachable"]
    assert state.alerts["airflow_unreachable"].told_at is not None


def test_state_is_for_us_alone_and_two_watches_do_not_share_it(watched: Watched):
    watched.look()
    assert (watched.folder / "state.json").stat().st_mode & 0o077 == 0
    with the_one_watch(watched.folder), pytest.raises(AlreadyWatching):
        Watch().once()


def test_disk_that_takes_nothing_more_is_no_reason_to_tell_nobody_or_to_tell_it_again(
    watched: Watched, configure, monkeypatch
):
    watched.look()
    watched.outside.airflow_status = 503
    configure(MOTCUA_WATCH_ROUND="0.01")

    def full(folder: Path, state: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("motcua.jobs.watching.watch.save_state", full)
    stop = threading.Event()
    moments = iter(watched.now + timedelta(minutes=number) for number in range(1, 100))
    going = threading.Thread(target=Watch(clock=lambda: next(moments)).go_on, args=(stop,))
    going.start()
    try:
        until = time.monotonic() + 60
        while not watched.mails() and time.monotonic() < until:
            time.sleep(0.2)
        time.sleep(4)
    finally:
        stop.set()
        going.join(30)
    told = [message["Subject"] for _, message in watched.mail.taken if "Airflow không trả lời" in message["Subject"]]
    assert len(told) == 1
    with pytest.raises(OSError, match="No space"):
        Watch(clock=lambda: next(moments)).once()


@pytest.mark.guarantee("watch", "a ledger that has gone backwards is told until somebody has looked at it")
def test_ledger_that_went_back_is_told_until_it_is_acknowledged(watched: Watched, rows):
    rows("SELECT setval('motcua.attempts_attempt_id_seq', 50)")
    rows("INSERT INTO motcua.gateways (name) VALUES ('kannel')")
    rows("SET session_replication_role = 'replica'")
    insert = (
        "INSERT INTO motcua.attempts"
        " (attempt_id, message_id, gateway, reference, sender_id, run_id, msisdn, started_at)"
        " OVERRIDING SYSTEM VALUE SELECT n, n, 'kannel', 'reference ' || n, 1, 'r', '+84905000000', now()"
        " FROM unnest(%s::bigint[]) AS n"
    )
    rows(insert, [51, 52])
    watched.look()
    rows("DELETE FROM motcua.attempts WHERE attempt_id = 52")
    watched.look()
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Sổ lùi lại: thiếu 1 lần gửi, 0 thay đổi"]
    # Nothing is sent before somebody looked at it.
    (gap,) = rows("SELECT kind, lost_attempts, closed_at FROM motcua.gaps")
    assert gap == {"kind": "behind_watch", "lost_attempts": 1, "closed_at": None}
    rows("UPDATE motcua.gaps SET closed_at = now(), closed_by = 'lan'")
    # That it grows beyond what it had does not bring back what is missing.
    rows(insert, [60])
    assert watched.open_alerts(watched.look(3)) == ["ledger_went_back"]
    type_command("alerts", "acknowledge", "ledger_went_back")
    assert watched.open_alerts(watched.look(2)) == []
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Sổ lùi lại: thiếu 1 lần gửi, 0 thay đổi"]


def test_open_gap_is_told_where_the_ledger_knows_gaps(watched: Watched, rows):
    watched.look()
    assert watched.open_alerts(watched.look()) == []
    rows(
        "INSERT INTO motcua.gaps (kind, noticed_at, lost_attempts, held_messages) VALUES ('behind_journal', %s, 3, 0)",
        watched.now,
    )
    assert watched.open_alerts(watched.look()) == ["ledger_behind"]
    rows("UPDATE motcua.gaps SET closed_at = now(), closed_by = 'run'")
    assert watched.open_alerts(watched.look()) == []


# --- Acknowledging


def test_acknowledged_alert_stays_open_is_shown_with_who_and_its_end_is_told(watched: Watched):
    watched.look()
    watched.outside.airflow_status = 503
    watched.look(2)
    listed = type_command("alerts", exits=1)
    assert "Airflow không trả lời" in listed.output
    type_command("alerts", "acknowledge", "airflow_unreachable")
    state = watched.look()
    assert state.alerts["airflow_unreachable"].acknowledged_by
    type_command("alerts")
    type_command("alerts", "acknowledge", "airflow_unreachable", exits=2)
    type_command("alerts", "acknowledge", "nothing", exits=2)
    watched.mails()
    watched.outside.airflow_status = 200
    watched.look(2)
    assert len(watched.mails()) == 1
    assert mirrored()["airflow_unreachable"].acknowledged_by


def test_alert_is_acknowledged_in_the_watchs_folder_while_the_ledger_is_down(watched: Watched, monkeypatch):
    watched.look()
    monkeypatch.setenv("AIRFLOW_CONN_MOTCUA_DB", "postgres://nobody:word@127.0.0.1:1/nothing")
    watched.look(2)
    listed = type_command("alerts", exits=None)
    assert (listed.exit_code, "Không vào được sổ" in listed.output) == (1, True)
    type_command("alerts", "acknowledge", "ledger_unreachable")
    state = watched.look()
    assert state.alerts["ledger_unreachable"].acknowledged_by
    assert list((watched.folder / "acknowledged").iterdir()) == []


def test_red_run_is_looked_at_by_acknowledging_and_a_later_one_is_told_again(watched: Watched):
    save()
    red = watched.outside.run("failed", watched.now - timedelta(hours=2), watched.now - timedelta(minutes=50))
    assert watched.open_alerts(watched.look()) == []
    state = watched.look(minutes=10)
    assert watched.open_alerts(state) == ["red_run"]
    type_command("alerts", "acknowledge", "red_run")
    # By the wall clock, as people are; the test's clock stands before it.
    watched.now = datetime.now(VIETNAM)
    assert "red_run" not in watched.open_alerts(watched.look(2))
    later = watched.outside.run("failed", watched.now, watched.now + timedelta(minutes=1))
    assert "red_run" in watched.open_alerts(watched.look(minutes=62))
    later["note"] = "đã xem"
    assert "red_run" not in watched.open_alerts(watched.look())
    assert red["note"] is None


# --- Checks over a real ledger


def test_difference_of_the_identity_is_told_at_once_and_stays_while_its_month_differs(watched: Watched, one_stop, rows):

    one_stop.both(9, at=watched.now - timedelta(minutes=5))
    take_in(now=watched.now)
    state = watched.look()
    assert state.identity.differences["recent"] == 0
    rows("SET session_replication_role = 'replica'")
    kept = rows("DELETE FROM motcua.messages RETURNING *")
    state = watched.look(4)
    assert "identity" in watched.open_alerts(state)
    # Three days later it is out of the last days' sight.
    state = watched.look(2, minutes=60 * 24 * 2)
    assert state.identity.differences["recent"] == 0
    assert "identity" in watched.open_alerts(state)
    columns = list(kept[0])
    names = ", ".join(columns)
    rows(
        f"INSERT INTO motcua.messages ({names}) OVERRIDING SYSTEM VALUE VALUES ({', '.join(['%s'] * len(columns))})",
        *kept[0].values(),
    )
    assert "identity" not in watched.open_alerts(watched.look(2, minutes=5))


def test_page_is_given_what_was_counted_last_with_when(watched: Watched, one_stop):
    watched.look()
    watched.look(minutes=10)
    counted_at = watched.now

    def given() -> dict[str, Any]:
        return next(each["facts"] for each in in_ledger(watch_life).looks if each["check"] == "identity")

    assert given()["difference"] == 0
    assert datetime.fromisoformat(given()["counted_at"]) == counted_at
    # A look in between counts nothing anew, and does not say that it did.
    watched.look()
    assert watched.now > counted_at
    assert datetime.fromisoformat(given()["counted_at"]) == counted_at


def test_night_counts_every_month_one_a_look(watched: Watched, rows):
    rows("SET session_replication_role = 'replica'")
    rows(
        "INSERT INTO motcua.inquiries (gateway, dedupe_key, received_at, msisdn, outcome, fee, message_id)"
        " VALUES ('kannel', 'k', '2026-08-03', '+84905000000', 'unknown_code', 0, 1)"
    )
    watched.now = datetime(2026, 11, 25, 0, 50, tzinfo=VIETNAM)
    state = watched.look()
    assert state.identity.differences == {"recent": 0}
    state = watched.look(6, minutes=10)
    # The inquiry has no reply: a difference that only the whole shows.
    assert state.identity.differences == {"recent": 0, "2026-08": 1, "2026-09": 0, "2026-10": 0, "2026-11": 0}
    assert "identity" in watched.open_alerts(state)


@pytest.mark.guarantee("watch", "an evening of apologies that was not planned by 17:35 is told by 17:36")
def test_evening_that_was_not_planned_is_told_by_17_36(watched: Watched, one_stop):
    from motcua.jobs.notices.apologizing import apologize
    from motcua.jobs.notices.picking_up import pick_up

    one_stop.dossier(due_at=datetime(2026, 11, 26, 16, 0, tzinfo=VIETNAM))
    pick_up("khanhhoa", now=watched.now)
    watched.now = datetime(2026, 11, 25, 17, 29, 30, tzinfo=VIETNAM)
    told_at = None
    while told_at is None and watched.now.hour < 18:
        with connect() as connection:
            connection.execute("UPDATE motcua.sources SET picked_up_at = %s", (watched.now,))
        if "apologies_late" in watched.open_alerts(watched.look()):
            told_at = watched.now
    assert f"{told_at:%H:%M}" in ("17:35", "17:36")
    pick_up("khanhhoa", now=watched.now)
    apologize(now=watched.now)
    assert "apologies_late" not in watched.open_alerts(watched.look())


def test_evening_of_a_day_off_or_of_nobody_is_not_missed(watched: Watched, one_stop, configure):
    from motcua.jobs.notices.picking_up import pick_up

    configure(MOTCUA_FIRST_LOOK_BACK="P3D")
    one_stop.dossier(due_at=datetime(2026, 11, 30, 16, 0, tzinfo=VIETNAM))
    pick_up("khanhhoa", now=watched.now)
    # A Saturday, the 28th, and a Sunday; the agencies of the tests keep to working days where they say so.
    with connect() as connection:
        connection.execute("UPDATE motcua.agencies SET apology_day = 'working_day'")
    for day in (28, 29):
        watched.now = datetime(2026, 11, day, 17, 40, tzinfo=VIETNAM)
        assert "apologies_late" not in watched.open_alerts(watched.look(3))
    with connect() as connection:
        connection.execute("UPDATE motcua.agencies SET enabled_from = NULL")
    watched.now = datetime(2026, 11, 27, 17, 40, tzinfo=VIETNAM)
    assert watched.open_alerts(watched.look(6)) == []


def test_source_that_fails_or_falls_silent_is_told_by_its_name(watched: Watched, one_stop, configure):
    from motcua.jobs.notices.picking_up import pick_up
    from motcua.store.notices.sources import note_failure

    configure(MOTCUA_FIRST_LOOK_BACK="P3D")
    one_stop.dossier()
    pick_up("khanhhoa", now=watched.now)
    state = watched.look(9)
    assert "unserved/khanhhoa" not in watched.open_alerts(state)
    # Each source is read within eleven minutes, whether it has news or not.
    assert "unserved/khanhhoa" in watched.open_alerts(watched.look(3))
    in_ledger(note_failure, "khanhhoa", "away: 0905123456", watched.now)
    assert "source_failing/khanhhoa" in watched.open_alerts(watched.look(3))
    everything = "".join(str(message) for _, message in watched.mail.taken)
    assert "0905123456" not in everything
    pick_up("khanhhoa", now=watched.now + timedelta(minutes=3))
    assert watched.open_alerts(watched.look(3)) == []


def test_gateway_that_receipts_stopped_coming_from_is_told_and_ends_with_the_first(watched: Watched, rows):
    save()
    rows("SET session_replication_role = 'replica'")
    rows(
        "INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at)"
        " SELECT n, 'kannel', 'r' || n, 1, 'r', '+84905000000', 'accepted', %s FROM generate_series(1, 6) AS n",
        watched.now,
    )
    assert watched.open_alerts(watched.look(10)) == []
    assert watched.open_alerts(watched.look(8)) == ["receipts_stopped/kannel"]
    rows("UPDATE motcua.attempts SET state = 'delivered' WHERE reference = 'r3'")
    assert watched.open_alerts(watched.look(2)) == []


def test_receipts_about_what_the_ledger_does_not_know_are_told(watched: Watched, rows):
    save()
    rows("SET session_replication_role = 'replica'")
    rows(
        "INSERT INTO motcua.receipt_readings (receipt_id, meaning, effect, read_at)"
        " SELECT n, 'delivered', 'unknown_reference', %s FROM generate_series(1, 3) AS n",
        watched.now,
    )
    assert watched.open_alerts(watched.look()) == ["receipts_unknown"]
    assert watched.open_alerts(watched.look(minutes=61)) == []


def test_share_that_falls_against_the_days_before_is_told(watched: Watched, rows):
    save()
    rows("SET session_replication_role = 'replica'")
    insert = (
        "INSERT INTO motcua.messages (kind, dossier_id, agency_code, occasion, state, text, template_id,"
        " template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,"
        " next_attempt_at, accepted_at, changed_at) SELECT 'apology', 1, 'H', %s || n, %s, '', 'a', 1, '{}', FALSE, 1,"
        " m.at, m.at, m.at, m.at, m.at, m.at, m.at FROM generate_series(1, %s) AS n, (SELECT %s::timestamptz AS at) m"
    )
    for back in range(1, 8):
        rows(insert, f"d{back} ", "delivered", 90, watched.now - timedelta(days=back))
        rows(insert, f"u{back} ", "undelivered", 10, watched.now - timedelta(days=back))
    rows(insert, "today d", "delivered", 30, watched.now - timedelta(hours=1))
    watched.look(8)
    # These messages answer to no dossier: the identity says so, rightly.
    assert watched.open_alerts(watched.look()) == ["identity"]
    rows(insert, "today u", "undelivered", 30, watched.now - timedelta(hours=1))
    state = watched.look(2)
    assert watched.open_alerts(state) == ["delivered_low", "identity"]
    assert state.alerts["delivered_low"].facts == {"percent": 50, "usual_percent": 90, "taken": 60}
    # By night there is nothing to judge it on: it is neither over nor told again.
    assert "delivered_low" in watched.open_alerts(watched.look(2, minutes=60 * 4))


def test_days_check_and_closing_are_missed_an_hour_after_their_time(watched: Watched, rows):
    save(enabled_from=watched.now - timedelta(days=9))
    watched.now = datetime(2026, 11, 25, 4, 0, tzinfo=VIETNAM)
    watched.look()
    watched.now = datetime(2026, 11, 25, 6, 28, tzinfo=VIETNAM)
    assert watched.open_alerts(watched.look()) == []
    assert watched.open_alerts(watched.look(2)) == ["quality_late"]
    assert watched.open_alerts(watched.look(minutes=61)) == ["closing_late", "quality_late"]
    rows("SET session_replication_role = 'replica'")
    rows(
        "INSERT INTO motcua.quality_runs (run_no, run_id, as_of, day, working_day, since, rules, thresholds, software,"
        " dossiers, seal, content_hash, previous_seal, sealed_at) OVERRIDING SYSTEM VALUE SELECT 1, 'r', now(),"
        " '2026-11-25', TRUE, '2026-11-01', '{}', '{}', 's', 0, a, a, a, now() FROM repeat('a', 64) AS a"
    )
    assert watched.open_alerts(watched.look()) == ["closing_late"]


def test_backup_that_is_missing_or_old_is_told(watched: Watched, configure, tmp_path):
    configure(MOTCUA_WATCH_BACKUP_AGE="PT26H")
    assert watched.open_alerts(watched.look()) == [], "nobody is told for"
    save(enabled_from=watched.now - timedelta(days=9))
    assert watched.open_alerts(watched.look()) == ["backup_old"]
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / "backup.json").write_text("{")
    write_backup(folder, watched.now - timedelta(hours=2))
    assert watched.open_alerts(watched.look()) == []
    assert "backup_old" in watched.open_alerts(watched.look(minutes=60 * 25))


def test_airflow_that_was_not_cleaned_for_days_is_told(watched: Watched, configure):
    configure(MOTCUA_WATCH_UPKEEP_AFTER="P3D")

    def told(*cleaned: CleanedOf, days: float = 0, ago: float = 0) -> bool:
        watched.now += timedelta(days=days)
        in_ledger(save_cleaning, watched.now - timedelta(days=ago), cleaned)
        looks = [watched.open_alerts(watched.look(minutes=11)) for _ in range(3)]
        return "airflow_uncleaned" in looks[-1]

    assert not told(), "nobody is told for"
    assert not told(days=4)
    save(enabled_from=watched.now - timedelta(days=2))
    assert not told(), "there was no night yet that it could have missed"
    assert told(days=2)
    assert told(CleanedOf("dag_run", 0, failed="LockNotAvailable"), CleanedOf("log", 7)), "runs, which all hangs on"
    assert not told(CleanedOf("dag_run", 0), ago=2)
    assert told(days=2)


def test_clock_of_airflow_and_of_the_ledger_are_held_against_this_machines(watched: Watched, monkeypatch):
    watched.outside.clock_is_off_by = timedelta(seconds=-20)
    assert watched.open_alerts(watched.look(2)) == ["clock_off/airflow"]
    watched.outside.clock_is_off_by = timedelta(seconds=2)
    assert watched.open_alerts(watched.look(2)) == []
    ahead = datetime.now(UTC) + timedelta(seconds=30)
    monkeypatch.setattr("motcua.store.watching.watch.ledger_clock", lambda _: ahead)
    assert watched.open_alerts(watched.look(2)) == ["clock_off/ledger"]


def test_disk_without_room_is_told(watched: Watched, configure):
    configure(MOTCUA_WATCH_DISK_FREE=str(10**18))
    (alert,) = watched.open_alerts(watched.look(2))
    assert alert.startswith("disk_low/")


# --- What the doctor asks

INDEX = "CREATE INDEX transitions_unplanned ON motcua.transitions (dossier_id) WHERE planned_at IS NULL"


@pytest.mark.guarantee(
    "watch", "what the doctor asks and what changes while everything runs is looked at each hour, and told with its end"
)
def test_what_changes_of_ledger_settings_and_files_is_told_within_the_hour_and_so_is_its_end(
    watched: Watched, configure, rows, tmp_path
):
    def role(change: str) -> None:
        rows(f"DO $$ BEGIN EXECUTE format('ALTER ROLE motcua_app IN DATABASE %I {change}', current_database()); END $$")

    assert watched.open_alerts(watched.look()) == []
    rows("DROP INDEX motcua.transitions_unplanned")
    role("SET synchronous_commit = off")
    configure(MOTCUA_APOLOGY_TIME="03:00")
    (tmp_path / "identity.txt").write_text(f"{Identity.generate()}\n", encoding="ascii")
    assert watched.open_alerts(watched.look()) == [], "its turn comes each hour"
    began = {key.partition("/")[0] for key in watched.open_alerts(watched.look(minutes=60))}
    assert began == {"parameter_differs", "private_key_here", "schema_differs", "setting_senseless"}
    _, mail = watched.mail.taken[-1]
    assert "synchronous_commit is off" in mail.get_body(("plain",)).get_content()
    rows(f"{INDEX}; ALTER INDEX motcua.transitions_unplanned OWNER TO motcua_owner")
    role("RESET synchronous_commit")
    configure(MOTCUA_APOLOGY_TIME="17:30")
    (tmp_path / "identity.txt").unlink()
    at = watched.now
    assert watched.open_alerts(watched.look(minutes=60)) == []
    assert all(mirrored()[name].raised_at == at and mirrored()[name].over_at == watched.now for name in began)


# --- Quiet


@pytest.mark.guarantee("watch", "an installation without an enabled agency raises nothing but what concerns itself")
def test_installation_without_agencies_is_quiet_although_nothing_runs(watched: Watched, configure):
    configure(MOTCUA_SOURCES="khanhhoa", MOTCUA_WATCH_BACKUP_AGE="PT26H")
    for _ in range(3):
        assert watched.open_alerts(watched.look(3, notify=False)) == []
        watched.now += timedelta(days=1)
    assert watched.mails() == []


def test_what_is_slow_to_start_is_not_told_while_the_machine_may_just_be_starting(watched: Watched):
    watched.look()
    watched.outside.airflow_status = 503
    # An hour later everything comes up again, the watch first.
    state = watched.look(minutes=60)
    assert watched.open_alerts(watched.look(2)) == []
    assert state.looked["airflow"].state == "alert"
    assert watched.open_alerts(watched.look(2)) == ["airflow_unreachable"]
    watched.outside.airflow_status = 200
    watched.look(2)
    assert len(watched.mails()) == 2


# --- The sign of life


@pytest.mark.guarantee("watch", "settle_messages is red where the watch was seen and has been silent for ten minutes")
def test_settling_is_red_while_the_watch_is_silent_and_only_where_it_was_ever_seen(watched: Watched, rows, gateway):
    gate(EVERYTHING)
    watched.now = datetime.now(VIETNAM) - timedelta(minutes=1)
    watched.look()
    gate(EVERYTHING)
    rows("UPDATE motcua.watch_life SET looked_at = now() - interval '11 minutes'")
    with pytest.raises(RunIncomplete, match="the watch has been silent for 11 minutes"):
        gate(EVERYTHING)
    # What a backfill is about is its window.
    gate(Window(watched.now - timedelta(hours=1), watched.now))
    type_command("watch", "--retire")
    gate(EVERYTHING)


def test_watch_once_needs_no_airflow_to_be_imported(watched: Watched):
    code = (
        "import sys; from motcua.jobs.watching.watch import Watch; Watch().once();"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'airflow', 'pandas', 'great_expectations'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_each_alert_has_words_and_a_page_of_the_handbook(name):
    words = words_of(name)
    assert set(words) - {"found"} == {"title", "meaning", "todo"}
    if "#" in CHECKS[name].page:
        assert f'<a id="{name}"></a>' in (ROOT / "docs" / "operations" / "checks.md").read_text(encoding="utf-8")
        return
    page = (ROOT / "docs" / "operations" / "alerts" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {name}\n")
    headings = re.findall(r"^## (.*)$", page, re.M)
    assert headings == ["What it means for citizens", "What to look at", "What to do", "When it is over"]


def test_no_alert_has_a_page_or_words_that_it_does_not_need():
    asked = asked_by(WATCH | HOURLY | SOURCE_CHECK | GATE | OVERVIEW)
    assert set(check_words()["checks"]) == set(asked) - {"text_not_registered"}
    # Prometheus has rules of its own besides, each with a page (tests/unit/test_alert_rules.py).
    rules = yaml.safe_load((ROOT / "include" / "alerts" / "prometheus.rules.yaml").read_text(encoding="utf-8"))
    runbooks = [rule["annotations"]["runbook"] for group in rules["groups"] for rule in group["rules"]]
    told = {Path(runbook).stem for runbook in runbooks} | set(asked_by(WATCH))
    assert {path.stem for path in (ROOT / "docs" / "operations" / "alerts").glob("*.md")} == told
    assert set(check_words()["looks"]) == {"ledger", "airflow", *(check.name for check in checks.CHECKS)}
    assert {name for check in checks.CHECKS for name in check.judges} | {
        "ledger_unreachable",
        "airflow_unreachable",
        "check_failing",
    } == set(ALERT_NAMES)
