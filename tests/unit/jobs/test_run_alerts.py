"""Test the mails about red runs: a DAG that fails each minute is mailed once, and no log shows an address."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest

from motcua import orchestration
from motcua.domain.checks import fault
from motcua.jobs import run_alerts
from motcua.jobs.mailing import HandOver, MailServerFailed
from motcua.jobs.run_alerts import RedRunsMailed, is_news, mail_late_run, mail_red_run
from tests.ground import NOW

DAG, NAME = "notify_transitions", "Nhắn tin khi hồ sơ chuyển bước"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


LEFT = (
    fault("attempts_failed", "transient", messages=3, outcome="transient"),
    fault("task_failed", "send", "task send failed"),
)


class Mailbox:
    """A mail server and the variables of Airflow in memory; it accepts mails or refuses them."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []
        self.noted: dict[str, RedRunsMailed] = {}
        self.failure: str | None = None
        self.away = False

    def hand_over(self, mail, reference, recipient, at):
        del reference, at
        if self.failure is None:
            self.mails.append((recipient, mail.subject, mail.text))
        return HandOver("failed" if self.failure else "sent", self.failure)

    def tell(self, *red):
        return mail_red_run(*red, recall=self.noted.get, note=self.noted.__setitem__, server=self.server)

    def red(self, at, left=LEFT):
        return self.tell(DAG, NAME, "scheduled__1", left, at)

    @contextmanager
    def server(self):
        if self.away:
            raise MailServerFailed("away")
        yield self


@pytest.fixture
def mailbox(configure):
    """Return an empty mailbox. The settings name two recipients for the watch's mails."""
    configure(MOTCUA_WATCH_RECIPIENTS="truc1@example.vn,truc2@example.vn")
    return Mailbox()


def test_red_run_is_mailed_to_each_recipient_with_its_reason(mailbox):
    assert mailbox.red(NOW)
    assert [recipient for recipient, *_ in mailbox.mails] == ["truc1@example.vn", "truc2@example.vn"]
    _, subject, text = mailbox.mails[0]
    assert subject == "MotcuaSMS: «Nhắn tin khi hồ sơ chuyển bước» báo lỗi"
    assert "- 3 tin chưa gửi được vì cổng nhắn tin bận.\n" in text
    assert "docs/operations/checks.md#attempts_failed" in text
    assert "- Tác vụ “Gửi tin nhắn” bị lỗi\n" in text
    assert "scheduled__1" in text


@pytest.mark.guarantee("airflow", "a mail reports a DAG that turns red; if it stays red, another comes a day later")
def test_dag_that_is_red_each_minute_is_told_of_once_and_once_more_a_day_later(mailbox):
    told = [minute for minute in range(60 * 24 + 1) if mailbox.red(NOW + minute * MINUTE)]
    assert told == [0, 60 * 24]


@pytest.mark.guarantee("airflow", "a mail reports a DAG that turns red; if it stays red, another comes a day later")
def test_dag_that_is_red_and_green_in_turn_is_told_of_once(mailbox):
    assert [mailbox.red(NOW + 50 * n * MINUTE) for n in range(10)] == [True] + [False] * 9


@pytest.mark.parametrize(("watch_lives", "others"), [(True, ()), (False, ()), (True, LEFT)])
def test_what_the_watch_mails_is_not_mailed_by_the_run_too(mailbox, monkeypatch, watch_lives, others):
    """While the watch runs, a red run mails no fault that the watch mails itself."""
    monkeypatch.setattr(run_alerts, "_watch_reports", lambda _: watch_lives)
    unserved = fault("unserved", "", what="steps", steps=1, since=NOW.isoformat())
    assert mailbox.red(NOW, [*others, unserved]) is (not watch_lives or bool(others))


def test_red_run_after_an_hour_of_green_runs_is_mailed_again(mailbox):
    """A red run is news again if no run was red for an hour."""
    assert mailbox.red(NOW)
    assert mailbox.red(NOW + HOUR)
    assert not is_news(RedRunsMailed(NOW, NOW), NOW + HOUR - MINUTE)


def test_mail_that_was_sent_while_the_clock_was_ahead_silences_no_later_red_run(mailbox):
    """After a clock that was days ahead is corrected, the next red run must be mailed at once."""
    assert mailbox.red(NOW + 30 * DAY)
    assert [mailbox.red(NOW + minute * MINUTE) for minute in range(3)] == [True, False, False]


@pytest.mark.parametrize("how", ["away", "refuses"])
def test_what_reached_nobody_is_told_by_the_next_red_run(mailbox, how):
    """A mail that failed is sent by the next red run, so that no red run stays unnoticed."""
    mailbox.away, mailbox.failure = how == "away", "SMTP 550" if how == "refuses" else None
    assert not mailbox.red(NOW)
    mailbox.away, mailbox.failure = False, None
    assert mailbox.red(NOW + MINUTE)
    assert not mailbox.red(NOW + 2 * MINUTE)


def test_gate_stays_red_by_its_own_reason_whatever_telling_meets(mailbox, caplog):
    """An error while mailing must not replace the reason why the run is red."""
    assert not mail_red_run(DAG, NAME, "scheduled__1", LEFT, NOW, recall=lambda _: 1 / 0)
    assert "ZeroDivisionError" in caplog.text


def test_no_log_holds_an_address(mailbox, caplog):
    mailbox.failure = "SMTP 550"
    with caplog.at_level(logging.DEBUG):
        mailbox.red(NOW)
    assert "example.vn" not in caplog.text
    assert "recipient 2: SMTP 550" in caplog.text


def test_missing_recipients_are_a_warning_in_the_log(mailbox, configure, caplog):
    configure(MOTCUA_WATCH_RECIPIENTS="")
    assert not mailbox.red(NOW)
    assert "MOTCUA_WATCH_RECIPIENTS" in caplog.text


def context(run_type="scheduled"):
    run = SimpleNamespace(
        run_type=run_type, dag_id=DAG, run_id="r", data_interval_start=NOW, data_interval_end=NOW + MINUTE
    )
    return {"dag_run": run, "dag": SimpleNamespace(dag_display_name=NAME), "exception": RuntimeError("source away")}


def test_gate_tells_its_reason_and_a_backfill_tells_nobody(mailbox, monkeypatch):
    """A failed gate (the last task of a run) mails its reason. The gate of a backfill mails nobody."""
    monkeypatch.setattr(run_alerts, "mail_red_run", mailbox.tell)
    orchestration.tell_red_gate(context("backfill"))
    assert mailbox.mails == []
    orchestration.tell_red_gate(context())
    assert "(tiếng Anh): source away\n" in mailbox.mails[0][2]


def late(mailbox, **changes):
    run = {"run_type": "scheduled", "state": "running", "dag_id": "apologize_due_tomorrow", "dag_run_id": "r"}
    return mail_late_run(run | changes, NOW + timedelta(hours=7, minutes=36), NOW, mailbox.server)


@pytest.mark.guarantee("airflow", "a mail reports apologies that no gateway has accepted by 17:36")
def test_apologies_that_are_still_under_way_at_their_deadline_are_told_of(mailbox):
    assert late(mailbox)
    assert mailbox.mails[0][1] == "MotcuaSMS: đến 17:36 tin xin lỗi chưa gửi xong"
    assert late(mailbox, state="queued")


def test_run_for_an_evening_long_ago_is_not_mailed_as_late(mailbox):
    run = {"run_type": "scheduled", "state": "running", "dag_id": "apologize_due_tomorrow", "dag_run_id": "r"}
    assert not mail_late_run(run, NOW - timedelta(hours=17), NOW, mailbox.server)
    assert mailbox.mails == []


@pytest.mark.parametrize("changes", [{"run_type": "backfill"}, {"state": "failed"}, {"state": "success"}])
def test_backfill_and_run_that_has_ended_are_not_late(mailbox, changes):
    assert not late(mailbox, **changes)
    assert mailbox.mails == []
