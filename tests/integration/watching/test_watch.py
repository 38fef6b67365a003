"""Test the watch with a real ledger: each alert is mailed when it begins and when it ends, whichever part is down.

The watch is a process outside Airflow that mails people what is wrong.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
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
    Finding,
    asked_by,
    fault,
)
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.doctor.examining import Question
from motcua.jobs.doctor.ledger import PARAMETERS
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.tasks.settle_messages import gate
from motcua.jobs.watching import checks
from motcua.jobs.watching.keeping import AlreadyWatching, the_one_watch
from motcua.jobs.watching.outside import Airflow
from motcua.jobs.watching.watch import Watch
from motcua.reports.checks import check_words, words_of
from motcua.store.agencies import save_agencies
from motcua.store.checking.checks import keep_check
from motcua.store.notices.gateways import GatewayStop, ensure_gateway, stop_gateway
from motcua.store.notices.sources import note_failure
from motcua.store.upkeep import CleanedOf, save_cleaning
from motcua.store.watching.watch import list_alerts, watch_life
from tests.ground import NHA_TRANG, agency, in_ledger, red_gate, take_in, type_command, until, write_backup
from tests.integration.watching.conftest import LAN, MINH, Watched

ROOT = Path(__file__).parents[3]


def save(code: str = NHA_TRANG, **changes: Any) -> None:
    in_ledger(save_agencies, [agency(code, **changes)], "tests")


def mirrored() -> dict[str, Any]:
    return {each.name: each for each in in_ledger(list_alerts, datetime(2000, 1, 1, tzinfo=UTC), 100)}


AWAY = "postgres://nobody:word@127.0.0.1:1/nothing"


def text_of(watched: Watched, words: str) -> str:
    """Return the text, on one line, of the newest mail whose subject contains these words."""
    mails = [message for _, message in watched.mail.taken if words in str(message["Subject"])]
    return " ".join(mails[-1].get_body(("plain",)).get_content().split())


def with_airflow_down(watched: Watched) -> None:
    """Let Airflow answer with status 503, and check that the watch mails one alert about Airflow."""
    watched.look()
    watched.outside.airflow_status = 503
    watched.look(2)
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Airflow không trả lời"]


def airflow_comes_back(watched: Watched) -> None:
    watched.outside.airflow_status = 200
    watched.look(2)
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Airflow không trả lời"]


# --- Mails and webhook


@pytest.mark.guarantee("watch", "an alert is mailed once when it is certain, and once when it is over")
def test_alert_is_mailed_once_with_what_to_do_and_once_when_it_is_over(watched: Watched):
    watched.look()
    watched.outside.airflow_status = 503
    watched.look()
    assert watched.mails() == []
    with_airflow_down(watched)
    watched.look(5)
    assert watched.mails() == []
    airflow_comes_back(watched)
    watched.look(3)
    assert watched.mails() == []
    text = text_of(watched, "Cảnh báo")
    assert "Nghĩa là: Tin mới không được gửi" in text
    assert "Cần làm: Báo quản trị hệ thống xem dịch vụ airflow-apiserver" in text
    assert "docs/operations/alerts/airflow_unreachable.md" in text
    assert "motcua alerts acknowledge airflow_unreachable" in text


def test_alert_that_ends_before_it_began_by_a_clock_that_was_set_back_is_mirrored(watched: Watched):
    """The ledger refuses an alert whose end is before its beginning, and would refuse the watch's heartbeat with it.

    So the watch must store the beginning as the end.
    """
    with_airflow_down(watched)
    raised_at = mirrored()["airflow_unreachable"].raised_at
    watched.now -= timedelta(minutes=30)
    watched.outside.airflow_status = 200
    watched.look(6)
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Airflow không trả lời"]
    assert "kéo dài 0 phút" in text_of(watched, "Đã hết")
    assert mirrored()["airflow_unreachable"].over_at == raised_at
    life = in_ledger(watch_life)
    assert life is not None
    assert life.looked_at == watched.now


def checked(*kinds: str, source: str = "khanhhoa") -> None:
    """Store a source check with these findings."""
    found = Findings()
    for kind in kinds:
        found.add(kind)
    in_ledger(keep_check, source, datetime.now(UTC), dossiers=1, transitions=1, findings=found.in_order())


@pytest.mark.guarantee("watch", "each new fault of a source is mailed once, and its end once")
def test_each_finding_of_a_check_that_forbids_is_told_once_and_its_end_once(watched: Watched, configure):
    configure(MOTCUA_SOURCES="khanhhoa")
    save()
    checked("phones_missing")
    watched.look(minutes=6)
    watched.mails()
    checked("phones_missing", "desk_never")
    watched.look(minutes=6)
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Nguồn khanhhoa: Không hồ sơ nào ở Bộ phận Một cửa"]
    text = text_of(watched, "Cảnh báo: Nguồn")
    assert "lần kiểm tra sáng hôm sau tự thấy" in text
    assert check_words()["checks"]["desk_never"]["todo"] in text
    assert mirrored()["desk_never"].subject == "khanhhoa"
    checked("desk_never", "numbers_go_back")
    watched.look(minutes=6)
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Nguồn khanhhoa: Số thứ tự quay lại"]
    # A source check that cannot reach the source ends no earlier finding. Another alert reports that the source cannot
    # be read.
    checked("unreachable")
    watched.look(minutes=6)
    assert watched.mails() == []
    checked("numbers_go_back")
    watched.look(minutes=6)
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Nguồn khanhhoa: Không hồ sơ nào ở Bộ phận Một cửa"]
    # A source that is no longer read has no alerts.
    configure(MOTCUA_SOURCES="vanphong")
    state = watched.look(minutes=6)
    assert not [key for key in watched.open_alerts(state) if key.startswith(("desk_never", "numbers_go_back"))]


def test_several_alerts_of_one_look_are_one_mail(watched: Watched):
    """Alerts that are raised in the same round are sent in one mail."""
    watched.look()
    watched.outside.health["scheduler"] = {"status": "unhealthy"}
    watched.outside.callbacks_status = 500
    watched.outside.intake_status = 503
    state = watched.look(2)
    (subject,) = watched.mails()
    assert subject.endswith("và 2 việc khác")
    assert watched.open_alerts(state) == ["airflow_unhealthy/scheduler", "callbacks_unhealthy", "intake_unhealthy"]


@pytest.mark.guarantee("watch", "a mail that failed is tried again, and nobody gets it twice")
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
    assert len({str(message["Message-ID"]) for _, message in watched.mail.taken}) == 2
    assert state.letters == []
    watched.mail.close()
    watched.outside.callbacks_status = 500
    state = watched.look(2)
    assert [letter.failure for letter in state.letters] == ["ConnectionRefusedError"]
    assert state.alerts["callbacks_unhealthy"].told_at is mirrored()["callbacks_unhealthy"].told_at is None


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


def test_letter_that_the_webhook_refuses_holds_up_no_later_one(watched: Watched, configure):
    configure(MOTCUA_WATCH_WEBHOOK=f"{watched.outside.url}/hook", MOTCUA_WATCH_RECIPIENTS="")
    watched.look()
    usual = watched.outside.answer_to

    def answer(asked: Any) -> Any:
        is_refused = asked.path == "/hook" and asked.record["alerts"][0]["name"] == "callbacks_unhealthy"
        return (413, "") if is_refused else usual(asked)

    watched.outside.answer_to = answer
    watched.outside.callbacks_status = 500
    watched.look(2)
    watched.outside.intake_status = 500
    state = watched.look(2)
    assert [each["alerts"][0]["name"] for each in watched.outside.posted] == ["intake_unhealthy"]
    assert [(each.raised, each.failure) for each in state.letters] == [
        (["callbacks_unhealthy"], "webhook answered 413")
    ]


@pytest.mark.guarantee("watch", "a daily mail says that the watch runs, and what it checked")
def test_each_day_one_mail_says_that_the_watch_lives(watched: Watched):
    def daily() -> list[str]:
        return [str(message["Subject"]) for _, message in watched.mail.taken if "Giám sát ngày" in message["Subject"]]

    watched.now = datetime(2026, 11, 25, 3, 0, tzinfo=VIETNAM)
    watched.look()
    assert len(daily()) == 1, "the first mail comes when the watch begins"
    watched.look(3)
    assert len(daily()) == 1
    watched.look(minutes=60 * 24)
    assert len(daily()) == 1, "no daily mail before its hour"
    watched.look(2, minutes=60 * 3)
    said = "chưa có cảnh báo, 1 mục đang xem lại"
    assert daily()[1] == f"[MotcuaSMS] Giám sát ngày 26/11/2026: {said}", (
        "before an agency has joined there are no alerts"
    )
    text = watched.mail.taken[-1][1].get_body(("plain",)).get_content()
    assert said[1:] in text
    assert "- Kiểm tra và chốt số liệu: đang xem lại" in text
    assert "- Sổ (PostgreSQL): tốt" in text
    assert "- Số liệu khớp: tốt (chênh lệch 0" in text
    assert "- Các phần của Airflow: tốt (4 trong 4 phần đang chạy)" in text
    assert "- Bản sao lưu: không đặt" in text


# --- Parts that are down


@pytest.mark.guarantee(
    "watch", "a ledger that is down, or a check that breaks, raises an alert and stops no other check"
)
def test_ledger_that_is_down_is_told_and_airflow_is_still_looked_at(watched: Watched, monkeypatch):
    """While the ledger is down, alerts about its content must stay open, and Airflow must still be checked."""
    save()
    watched.look()
    stop = GatewayStop("kannel", "gateway", "", watched.now, watched.now + timedelta(hours=9), "test", by_hand=True)
    in_ledger(ensure_gateway, "kannel")
    in_ledger(stop_gateway, stop, changed_by="tests")
    watched.look(3)
    watched.mails()
    with monkeypatch.context() as away:
        away.setenv("AIRFLOW_CONN_MOTCUA_DB", AWAY)
        watched.look(2)
        assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Không vào được sổ (PostgreSQL)"]
        watched.outside.airflow_status = 503
        state = watched.look(2)
        assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Airflow không trả lời"]
        assert watched.open_alerts(state) == ["airflow_unreachable", "gateway_stopped/kannel", "ledger_unreachable"]
    watched.outside.airflow_status = 200
    state = watched.look(3)
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Không vào được sổ (PostgreSQL) và 1 việc khác"]
    assert watched.open_alerts(state) == ["gateway_stopped/kannel"]
    assert None not in (mirrored()["ledger_unreachable"].told_at, mirrored()["ledger_unreachable"].over_at)


def test_alert_whose_words_cannot_be_written_is_told_by_its_name(watched: Watched, monkeypatch):
    """If the text of an alert cannot be made, a mail with the alert's id is sent instead."""

    def breaks(*_: object) -> object:
        raise LookupError("a template of another version")

    watched.look()
    for name in ("compose_alerts", "compose_life"):
        monkeypatch.setattr(f"motcua.jobs.watching.telling.{name}", breaks)
    watched.outside.airflow_status = 503
    watched.look(2)
    assert watched.mails() == ["[MotcuaSMS] airflow_unreachable"]
    watched.now += timedelta(days=1)
    assert watched.look().daily_told_on == watched.now.date()


@pytest.mark.guarantee(
    "watch", "a ledger that is down, or a check that breaks, raises an alert and stops no other check"
)
def test_statement_that_fails_breaks_its_check_alone(watched: Watched, rows):
    watched.look()
    rows("ALTER TABLE motcua.closings RENAME TO closings_away")
    watched.outside.ahead = timedelta(seconds=30)
    state = watched.look(2)
    assert watched.open_alerts(state) == ["check_failing/daily_work", "clock_off/airflow"]
    assert state.looked["high_marks"].state == "ok"
    assert "UndefinedTable" in text_of(watched, "Cảnh báo")
    rows("ALTER TABLE motcua.closings_away RENAME TO closings")
    watched.outside.ahead = timedelta(0)
    assert watched.open_alerts(watched.look(2)) == []


def test_red_runs_are_not_checked_without_an_airflow_user_and_a_refused_user_is_told(watched: Watched, configure):
    configure(MOTCUA_WATCH_AIRFLOW_USER="")
    assert watched.look().looked["red_runs"].state == "not_set"
    assert watched.outside.sign_ins == 0
    configure(MOTCUA_WATCH_AIRFLOW_USER="watch", MOTCUA_WATCH_AIRFLOW_PASSWORD="wrong")
    assert watched.open_alerts(watched.look(2)) == ["check_failing/red_runs"]
    airflow, asked = Airflow(watched.outside.url, "watch", "watch-word"), watched.outside.sign_ins
    for _ in range(2):
        assert airflow.failed_runs(watched.now) == []
        # After the token expired, the watch must sign in again.
        watched.outside.tokens.clear()
    assert watched.outside.sign_ins == asked + 2


PAGE = "<html>watch-word 0905123456 internal server error</html>"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, PAGE),
        (403, '{"detail": "watch-word"}'),
        (200, PAGE),
        (200, "null"),
        (200, '{"dag_runs": [{"dag_id": 1}], "scheduler": "watch-word", "access_token": 7}'),
    ],
)
def test_airflow_that_answers_nonsense_is_one_line_of_the_log_and_an_alert(
    watched: Watched, caplog: pytest.LogCaptureFixture, status, body
):
    parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    of_health = {"airflow_unreachable"} | {f"airflow_unhealthy/{part}" for part in parts}
    watched.look()
    for path in ("/monitor/health", "/auth/token", "/dagRuns"):
        watched.outside.says[path] = status, body
        watched.outside.tokens.clear()
        caplog.clear()
        opened = set(watched.open_alerts(watched.look(2)))
        assert opened, f"no alert about {path}"
        assert opened <= (of_health if path == "/monitor/health" else {"check_failing/red_runs"}), path
        assert not [record for record in caplog.records if record.exc_info], path
        lines = [record for record in caplog.records if record.levelname == "ERROR"]
        assert len(lines) == (0 if any("unhealthy" in key for key in opened) else 2), (
            f"{path}: one line of the log for each round"
        )
        assert all("Airflow" in record.getMessage() for record in lines)
        assert all(secret not in caplog.text for secret in ("watch-word", "0905123456"))
        watched.outside.says.clear()
        assert watched.open_alerts(watched.look(2)) == []


# --- The watch's state


@pytest.mark.parametrize("fate", ["broken", "missing"])
def test_alert_is_not_told_again_when_the_watchs_state_is_lost(watched: Watched, fate):
    with_airflow_down(watched)
    path = watched.folder / "state.json"
    if fate == "broken":
        path.write_text('{"began_at": 12')
    else:
        path.unlink()
    state = watched.look(3)
    assert watched.mails() == []
    assert watched.open_alerts(state) == ["airflow_unreachable"]
    assert len(list(watched.folder.glob("state.broken-*.json"))) == (fate == "broken")
    airflow_comes_back(watched)


def test_open_alert_that_this_version_does_not_know_any_more_goes_and_nothing_else(watched: Watched):
    """If an update removed a kind of alert, open alerts of this kind are dropped. The rest of the state stays."""
    with_airflow_down(watched)
    path = watched.folder / "state.json"
    path.write_text(path.read_text().replace('"name":"airflow_unreachable"', '"name":"of_another_version"'))
    watched.outside.airflow_status = 200
    state = watched.look()
    assert state.alerts == {}
    assert state.daily_told_on is not None, "the rest of the state must stay"
    assert list(watched.folder.glob("state.broken-*.json")) == []


def test_file_of_the_state_is_private_and_two_watches_do_not_share_it(watched: Watched):
    watched.look()
    assert (watched.folder / "state.json").stat().st_mode & 0o077 == 0
    with the_one_watch(watched.folder), pytest.raises(AlreadyWatching):
        Watch().once()


def test_full_disk_neither_prevents_nor_repeats_an_alert(watched: Watched, configure, monkeypatch):
    watched.look()
    watched.outside.airflow_status = 503
    configure(MOTCUA_WATCH_ROUND="0.01")

    def full(folder: Path, state: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("motcua.jobs.watching.rounds.save_state", full)
    stop, looks, began = threading.Event(), count(1), watched.now

    def clock() -> datetime:
        watched.now = began + timedelta(minutes=2 * next(looks))
        return watched.now

    going = threading.Thread(target=Watch(clock=clock, asks=watched.asks).go_on, args=(stop,))
    going.start()
    try:
        until(lambda: watched.now > began + timedelta(minutes=12))
    finally:
        stop.set()
        going.join(30)
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Airflow không trả lời"]
    with pytest.raises(OSError, match="No space"):
        Watch(clock=clock, asks=watched.asks).once()


@pytest.mark.guarantee(
    "watch", "a ledger that was put back to an earlier state raises an alert until somebody acknowledges it"
)
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
    assert watched.mails() == ["[MotcuaSMS] Cảnh báo: Sổ bị đưa về bản cũ: thiếu 1 lần gửi, 0 thay đổi"]
    # The watch records a gap, which keeps all messages on hold until a person closes the gap.
    (gap,) = rows("SELECT kind, lost_attempts, closed_at FROM motcua.gaps")
    assert gap == {"kind": "behind_watch", "lost_attempts": 1, "closed_at": None}
    rows("UPDATE motcua.gaps SET closed_at = now(), closed_by = 'lan'")
    # New attempts with higher numbers do not bring the lost attempts back, so the alert stays.
    rows(insert, [60])
    assert watched.open_alerts(watched.look(3)) == ["ledger_went_back"]
    type_command("alerts", "acknowledge", "ledger_went_back")
    assert watched.open_alerts(watched.look(2)) == []
    assert watched.mails() == ["[MotcuaSMS] Đã hết: Sổ bị đưa về bản cũ: thiếu 1 lần gửi, 0 thay đổi"]


# --- Acknowledging


def test_acknowledged_alert_stays_open_is_shown_with_who_and_its_end_is_told(watched: Watched, monkeypatch):
    """Acknowledging must also work while the ledger is down, through the watch's folder."""
    with_airflow_down(watched)
    assert "Airflow không trả lời" in type_command("alerts", exits=1).output
    type_command("alerts", "acknowledge", "airflow_unreachable")
    assert watched.look().alerts["airflow_unreachable"].acknowledged_by
    type_command("alerts")
    for name in ("airflow_unreachable", "nothing"):
        type_command("alerts", "acknowledge", name, exits=2)
    airflow_comes_back(watched)
    assert mirrored()["airflow_unreachable"].acknowledged_by
    monkeypatch.setenv("AIRFLOW_CONN_MOTCUA_DB", AWAY)
    watched.look(2)
    assert "Không vào được sổ" in type_command("alerts", exits=1).output
    type_command("alerts", "acknowledge", "ledger_unreachable")
    assert watched.look().alerts["ledger_unreachable"].acknowledged_by
    assert list((watched.folder / "acknowledged").iterdir()) == []


def test_red_run_is_looked_at_by_acknowledging_and_a_later_one_is_told_again(watched: Watched):
    """Acknowledging ends the alert about a red run, and a later red run raises a new alert."""
    save()
    red = watched.outside.run("failed", watched.now - timedelta(hours=2), watched.now - timedelta(minutes=50))
    assert watched.open_alerts(watched.look()) == []
    state = watched.look(minutes=10)
    assert watched.open_alerts(state) == ["red_run"]
    type_command("alerts", "acknowledge", "red_run")
    # The acknowledgement has the real time, which is later than the test's clock.
    watched.now = datetime.now(VIETNAM)
    assert "red_run" not in watched.open_alerts(watched.look(2))
    later = watched.outside.run("failed", watched.now, watched.now + timedelta(minutes=1))
    assert "red_run" in watched.open_alerts(watched.look(minutes=62))
    later["note"] = "đã xem"
    assert "red_run" not in watched.open_alerts(watched.look())
    assert red["note"] is None


# --- Checks over a real ledger


def test_difference_of_the_identity_is_told_at_once_and_stays_while_its_month_differs(watched: Watched, one_stop, rows):
    """A lost message raises an alert at once. It stays open until the message's month adds up again."""
    one_stop.both(9, at=watched.now - timedelta(minutes=5))
    take_in(now=watched.now)
    assert watched.look().identity.differences["recent"] == 0
    rows("SET session_replication_role = 'replica'")
    rows("CREATE TABLE away AS TABLE motcua.messages")
    rows("DELETE FROM motcua.messages")
    assert "identity" in watched.open_alerts(watched.look(4))
    # Four days later the message is too old for the watch's frequent count of recent days.
    state = watched.look(2, minutes=60 * 24 * 2)
    assert state.identity.differences["recent"] == 0
    assert "identity" in watched.open_alerts(state)
    rows("INSERT INTO motcua.messages OVERRIDING SYSTEM VALUE TABLE away")
    assert "identity" not in watched.open_alerts(watched.look(2, minutes=5))


def test_page_is_told_when_the_identity_was_counted_last(watched: Watched, one_stop):
    """The page shows the last count of the accounting identity, also after rounds that did not count it."""
    watched.look()
    watched.look(minutes=10)
    counted_at = watched.now
    # The next round does not count the accounting identity again, so the time of the last count must stay.
    watched.look()
    (given,) = [each["facts"] for each in in_ledger(watch_life).looks if each["check"] == "identity"]
    assert (given["difference"], datetime.fromisoformat(given["counted_at"])) == (0, counted_at)


def test_night_counts_the_identity_of_every_month_one_month_a_round(watched: Watched, rows):
    rows("SET session_replication_role = 'replica'")
    rows(
        "INSERT INTO motcua.inquiries (gateway, dedupe_key, received_at, msisdn, outcome, fee, message_id)"
        " VALUES ('kannel', 'k', '2026-08-03', '+84905000000', 'unknown_code', 0, 1)"
    )
    watched.now = datetime(2026, 11, 25, 0, 50, tzinfo=VIETNAM)
    state = watched.look()
    assert state.identity.differences == {"recent": 0}
    state = watched.look(6, minutes=10)
    # The inquiry without a reply is a difference that only a count of its month shows.
    assert state.identity.differences == {"recent": 0, "2026-08": 1, "2026-09": 0, "2026-10": 0, "2026-11": 0}
    assert "identity" in watched.open_alerts(state)


@pytest.mark.guarantee("watch", "apologies that are not planned by 17:35 raise an alert by 17:36")
def test_evening_that_was_not_planned_is_told_by_17_36_and_one_of_a_day_off_is_not_missed(
    watched: Watched, one_stop, rows
):
    def is_late() -> bool:
        rows("UPDATE motcua.sources SET picked_up_at = %s", watched.now)
        return "apologies_late" in watched.open_alerts(watched.look())

    one_stop.dossier(due_at=datetime(2026, 11, 26, 16, 0, tzinfo=VIETNAM))
    one_stop.dossier("MONDAY", due_at=datetime(2026, 11, 30, 16, 0, tzinfo=VIETNAM))
    pick_up("khanhhoa", now=watched.now)
    watched.now = datetime(2026, 11, 25, 17, 29, 30, tzinfo=VIETNAM)
    while not is_late():
        assert watched.now.hour < 18
    assert f"{watched.now:%H:%M}" in ("17:35", "17:36")
    pick_up("khanhhoa", now=watched.now)
    apologize(now=watched.now)
    assert "apologies_late" not in watched.open_alerts(watched.look())
    # On a Sunday, no apologies are planned for agencies that apologize by working days.
    rows("UPDATE motcua.agencies SET apology_day = 'working_day'")
    for day in (26, 27):
        evening = datetime(2026, 11, day, 17, 40, tzinfo=VIETNAM)
        pick_up("khanhhoa", now=evening)
        apologize(now=evening)
    watched.now = datetime(2026, 11, 29, 17, 40, tzinfo=VIETNAM)
    assert [is_late() for _ in range(3)] == [False] * 3


def test_source_that_fails_or_falls_silent_is_told_by_its_name(watched: Watched, one_stop, configure):
    configure(MOTCUA_FIRST_LOOK_BACK="P3D")
    one_stop.dossier()
    pick_up("khanhhoa", now=watched.now)
    state = watched.look(9)
    assert "unserved/khanhhoa" not in watched.open_alerts(state)
    # A source must be read every ten minutes, even without new rows. The alert begins a minute later.
    assert "unserved/khanhhoa" in watched.open_alerts(watched.look(3))
    in_ledger(note_failure, "khanhhoa", "away: 0905123456", watched.now)
    assert "source_failing/khanhhoa" in watched.open_alerts(watched.look(3))
    everything = "".join(str(message) for _, message in watched.mail.taken)
    assert "0905123456" not in everything
    pick_up("khanhhoa", now=watched.now + timedelta(minutes=3))
    assert watched.open_alerts(watched.look(3)) == []


IN_LEDGER = {
    "receipts_stopped/kannel": (
        "INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at)"
        " SELECT n, 'kannel', 'r' || n, 1, 'r', '+84905000000', 'accepted', %s FROM generate_series(1, 6) AS n",
        (10, 8),
        "UPDATE motcua.attempts SET state = 'delivered' WHERE reference = 'r3'",
    ),
    "tokens_not_renewed/kannel": (
        "INSERT INTO motcua.gateways (name, tokens_failed_at, tokens_fault) VALUES ('kannel', %s, 'renewal refused')"
        " ON CONFLICT (name) DO UPDATE"
        " SET tokens_failed_at = excluded.tokens_failed_at, tokens_fault = excluded.tokens_fault",
        (0, 1),
        "UPDATE motcua.gateways SET tokens_failed_at = NULL, tokens_fault = NULL",
    ),
    "receipts_unknown": (
        "INSERT INTO motcua.receipt_readings (receipt_id, meaning, effect, read_at)"
        " SELECT n, 'delivered', 'unknown_reference', %s FROM generate_series(1, 3) AS n",
        (0, 1),
        "UPDATE motcua.receipt_readings SET read_at = read_at - interval '1 hour'",
    ),
    "refusals_contradicted/kannel": (
        "WITH refused AS ("
        "INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, outcome, started_at)"
        " VALUES (1, 'kannel', 'r', 1, 'r', '+84905000000', 'phone', now()) RETURNING attempt_id)"
        " INSERT INTO motcua.receipt_readings (receipt_id, attempt_id, meaning, effect, read_at)"
        " SELECT 1, attempt_id, 'delivered', 'no_change', %s FROM refused",
        (0, 1),
        "UPDATE motcua.receipt_readings SET read_at = read_at - interval '1 hour'",
    ),
    "ledger_behind": (
        "INSERT INTO motcua.gaps (kind, noticed_at, lost_attempts, held_messages) VALUES ('behind_journal', %s, 3, 0)",
        (0, 1),
        "UPDATE motcua.gaps SET closed_at = now(), closed_by = 'run'",
    ),
}
"""Alerts about the ledger's content.

Each has the SQL that causes the fault, two numbers of rounds, and the SQL that ends the fault. The first number counts
rounds without an alert. The second number counts the further rounds until the alert is raised.
"""


@pytest.mark.parametrize("alert", IN_LEDGER)
def test_what_is_wrong_in_the_ledger_is_told_and_its_end(watched: Watched, rows, alert):
    wrong, (quiet, until_alert), mended = IN_LEDGER[alert]
    save()
    watched.look()
    rows("SET session_replication_role = 'replica'")
    rows(wrong, watched.now)
    assert not quiet or watched.open_alerts(watched.look(quiet)) == []
    assert watched.open_alerts(watched.look(until_alert)) == [alert]
    rows(mended)
    assert watched.open_alerts(watched.look(2)) == []


@pytest.mark.parametrize("remedy", ["another gateway", "no reports"])
def test_missing_receipts_of_a_gateway_that_is_used_no_more_are_over(watched: Watched, configure, rows, remedy):
    """The alert about missing receipts ends if the gateway is no longer used, or now reports no deliveries."""
    save()
    watched.look()
    rows("SET session_replication_role = 'replica'")
    rows(IN_LEDGER["receipts_stopped/kannel"][0], watched.now)
    watched.look(18)
    state = watched.look(2, minutes=13 * 60)
    assert "receipts_stopped/kannel" in watched.open_alerts(state), "with few messages the alert must stay open"
    if remedy == "another gateway":
        configure(MOTCUA_GATEWAYS="esms")
    else:
        rows(
            "INSERT INTO motcua.gateways (name, opened_at, reports_deliveries) VALUES ('kannel', now(), FALSE)"
            " ON CONFLICT (name) DO UPDATE SET opened_at = now(), reports_deliveries = FALSE"
        )
    assert "receipts_stopped/kannel" not in watched.open_alerts(watched.look(2))


def test_falling_share_of_delivered_messages_is_told(watched: Watched, rows):
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
    # The test's messages have no dossier, so the alert about the accounting identity is right.
    assert watched.open_alerts(watched.look()) == ["identity"]
    rows(insert, "today u", "undelivered", 30, watched.now - timedelta(hours=1))
    state = watched.look(2)
    assert watched.open_alerts(state) == ["delivered_low", "identity"]
    assert state.alerts["delivered_low"].facts == {"percent": 50, "usual_percent": 90, "taken": 60}
    # At night too few messages are sent to judge the share, so the alert stays open.
    assert "delivered_low" in watched.open_alerts(watched.look(2, minutes=60 * 4))


def test_missing_quality_check_and_closing_are_told_an_hour_after_their_time(watched: Watched, rows):
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
    assert watched.open_alerts(watched.look()) == [], "without an enabled agency there is no alert"
    save(enabled_from=watched.now - timedelta(days=9))
    assert watched.open_alerts(watched.look()) == ["backup_old"]
    (tmp_path / "backups" / "broken").mkdir(parents=True)
    (tmp_path / "backups" / "broken" / "backup.json").write_text("{")
    write_backup(tmp_path / "backups", watched.now - timedelta(hours=2))
    assert watched.open_alerts(watched.look()) == []
    assert "backup_old" in watched.open_alerts(watched.look(minutes=60 * 25))


def test_airflow_that_was_not_cleaned_for_days_is_told(watched: Watched, configure):
    configure(MOTCUA_WATCH_UPKEEP_AFTER="P3D")

    def raises_alert(*cleaned: CleanedOf, days: float = 0, ago: float = 0) -> bool:
        watched.now += timedelta(days=days)
        in_ledger(save_cleaning, watched.now - timedelta(days=ago), cleaned)
        looks = [watched.open_alerts(watched.look(minutes=11)) for _ in range(3)]
        return "airflow_uncleaned" in looks[-1]

    assert not raises_alert(), "without an enabled agency there is no alert"
    assert not raises_alert(days=4)
    save(enabled_from=watched.now - timedelta(days=2))
    assert not raises_alert(), "a new installation has not missed a night yet"
    assert raises_alert(days=2)
    assert raises_alert(CleanedOf("dag_run", 0, failed="LockNotAvailable"), CleanedOf("log", 7)), (
        "if its table of runs was not cleaned, Airflow counts as not cleaned, because all other tables depend on it"
    )
    assert not raises_alert(CleanedOf("dag_run", 0), ago=2)
    assert raises_alert(days=2)


def test_wrong_clocks_and_a_full_disk_are_told(watched: Watched, configure, monkeypatch):
    watched.outside.ahead = timedelta(seconds=-20)
    assert watched.open_alerts(watched.look(2)) == ["clock_off/airflow"]
    watched.outside.ahead = timedelta(seconds=2)
    assert watched.open_alerts(watched.look(2)) == []
    ahead = datetime.now(UTC) + timedelta(seconds=30)
    with monkeypatch.context() as wrong:
        wrong.setattr("motcua.store.watching.watch.ledger_clock", lambda _: ahead)
        assert watched.open_alerts(watched.look(2)) == ["clock_off/ledger"]
    assert watched.open_alerts(watched.look(2)) == []
    configure(MOTCUA_WATCH_DISK_FREE=str(10**18))
    (alert,) = watched.open_alerts(watched.look(2))
    assert alert.startswith("disk_low/")


# --- Hourly checks of the doctor

INDEX = "CREATE INDEX transitions_unplanned ON motcua.transitions (dossier_id) WHERE planned_at IS NULL"


@pytest.mark.guarantee(
    "watch", "the doctor's checks of what can change while everything runs are made each hour and raise alerts"
)
def test_what_changes_of_ledger_settings_and_files_is_told_within_the_hour_and_so_is_its_end(
    watched: Watched, configure, rows, tmp_path, monkeypatch
):
    watched.asks = checks.CHECKS
    # The tests' server has settings that the doctor rejects (FAST in tests/ground.py). A copied database again has the
    # rights that ``motcua provision`` revokes from everybody.
    for name in ("autovacuum", "fsync", "full_page_writes"):
        monkeypatch.delitem(PARAMETERS, name)
    monkeypatch.setattr("motcua.jobs.doctor.ledger.open_doors", lambda *_: [])

    def role(change: str) -> None:
        rows(f"DO $$ BEGIN EXECUTE format('ALTER ROLE motcua_app IN DATABASE %I {change}', current_database()); END $$")

    assert watched.open_alerts(watched.look()) == []
    rows("DROP INDEX motcua.transitions_unplanned")
    role("SET synchronous_commit = off")
    configure(MOTCUA_APOLOGY_TIME="03:00")
    (tmp_path / "identity.txt").write_text(f"{Identity.generate()}\n", encoding="ascii")
    assert watched.open_alerts(watched.look()) == [], "these checks run only once an hour"
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


def test_hourly_check_that_breaks_is_told_and_ends_no_alert(watched: Watched, monkeypatch):
    watched.asks = [each for each in checks.CHECKS if each.name in ("agencies", "catalog")]
    faults = [[fault("schema_differs", "database motcua", "index transitions_unplanned is missing")]]

    def objects(_: Any) -> list[Finding]:
        if not faults:
            raise psycopg.errors.QueryCanceled
        return faults[0]

    monkeypatch.setattr(checks, "LEDGER_HOURLY", [Question("objects", "nothing", objects, "ledger")])
    assert watched.open_alerts(watched.look(minutes=60)) == ["schema_differs/database motcua"]
    faults.clear()
    state = watched.look(2, minutes=60)
    assert watched.open_alerts(state) == ["check_failing/catalog", "schema_differs/database motcua"]
    assert "QueryCanceled" in text_of(watched, "Cảnh báo")
    faults.append([])
    assert watched.open_alerts(watched.look(2, minutes=60)) == []


# --- No alerts before agencies join


@pytest.mark.guarantee("watch", "an installation without an enabled agency raises only alerts about itself")
def test_installation_without_agencies_is_quiet_although_nothing_runs(watched: Watched, configure):
    configure(MOTCUA_SOURCES="khanhhoa", MOTCUA_WATCH_BACKUP_AGE="PT26H")
    for _ in range(3):
        assert watched.open_alerts(watched.look(3, notify=False)) == []
        watched.now += timedelta(days=1)
    assert watched.mails() == []


# --- The watch's own heartbeat


@pytest.mark.guarantee("watch", "`settle_messages` is red if a watch that ran before has been silent for ten minutes")
def test_settling_is_red_while_the_watch_is_silent_and_only_where_it_was_ever_seen(watched: Watched, rows, gateway):
    gate(EVERYTHING)
    watched.now = datetime.now(VIETNAM) - timedelta(minutes=1)
    watched.look()
    gate(EVERYTHING)
    rows("UPDATE motcua.watch_life SET looked_at = now() - interval '11 minutes'")
    with red_gate("the watch has been silent for 11 minutes"):
        gate(EVERYTHING)
    # A backfill is judged by its window, not by the present state of the watch.
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


def test_each_alert_has_words_and_a_page_of_the_handbook_and_nothing_else_has():
    handbook = ROOT / "docs" / "operations"
    headings = ["For citizens", "What to check", "What to do", "When the alert ends"]
    wrong = []
    for name in ALERT_NAMES:
        if set(words_of(name)) - {"found"} != {"title", "meaning", "todo"}:
            wrong.append(f"{name}: its words")
        file, _, place = CHECKS[name].page.partition("#")
        if place:
            if f'<a id="{place}"></a>' not in (ROOT / file).read_text(encoding="utf-8"):
                wrong.append(f"{name}: its place in {file}")
            continue
        page = (handbook / "alerts" / f"{name}.md").read_text(encoding="utf-8")
        if not page.startswith(f"# {name}\n") or re.findall(r"^## (.*)$", page, re.M) != headings:
            wrong.append(f"{name}: its page")
    assert wrong == []
    asked = asked_by(WATCH | HOURLY | SOURCE_CHECK | GATE | OVERVIEW)
    assert set(check_words()["checks"]) == set(asked) - {"text_not_registered"}
    # Prometheus has further rules, each with a page (tests/unit/test_alert_rules.py).
    rules = yaml.safe_load((ROOT / "include" / "alerts" / "prometheus.rules.yaml").read_text(encoding="utf-8"))
    runbooks = [rule["annotations"]["runbook"] for group in rules["groups"] for rule in group["rules"]]
    pages = {Path(runbook).stem for runbook in runbooks} | set(asked_by(WATCH))
    assert {path.stem for path in (handbook / "alerts").glob("*.md")} == pages
    elsewhere = {"server", "certificate"}
    assert set(check_words()["looks"]) == {"ledger", "airflow", *elsewhere, *(check.name for check in checks.CHECKS)}
    judged = {name for check in checks.CHECKS for name in check.judges}
    judged |= {"ledger_unreachable", "airflow_unreachable", "check_failing"}
    assert judged | {"server_unreachable", "watch_silent", "certificate_ends"} == set(ALERT_NAMES)
