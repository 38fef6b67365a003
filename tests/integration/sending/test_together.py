"""Test receipts, and answers of gateways, that are stored together in one transaction.

Each receipt and each answer must have the same effect as if it were stored alone.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from motcua.gateways import open_gateway
from motcua.gateways.adapter import GatewayCall
from motcua.jobs.notices.receiving import Intake
from motcua.store.ledger.database import connect, open_connection
from motcua.store.notices import messages
from motcua.store.notices.attempts import AttemptOutcome, apply_outcomes
from tests.ground import NOW, queue_results, send_at, states


@pytest.fixture
def sent(one_stop, gateway, rows):
    """Send six messages that the gateway accepts; return their references, by message id."""
    queue_results(one_stop, 6)
    send_at()
    return [row["reference"] for row in rows("SELECT reference FROM motcua.attempts ORDER BY message_id")]


def take(*reports):
    """Give receipts to an intake while its thread is busy, so that it then stores all of them together."""
    adapter, intake, all_wait = open_gateway("kannel"), Intake(connect), threading.Event()
    intake._thread.submit(all_wait.wait, 10)
    effects = [
        intake.take("kannel", adapter.read_receipt(GatewayCall({"reference": reference, "status": status})))
        for reference, status in reports
    ]
    all_wait.set()
    return effects


def test_reports_that_come_together_each_do_what_they_would_do_alone(sent, rows):
    """A receipt that cannot be stored must not delay or lose the other receipts."""
    bad, *effects = take(
        ("\ud800", "1"), (sent[0], "1"), (sent[1], "8"), (sent[1], "1"), (sent[2], "2"), ("nobody's", "1"),
        (sent[3], "4"),
    )  # fmt: skip
    assert [effect.result(10) for effect in effects] == [
        "applied", "no_change", "applied", "applied", "unknown_reference", "no_change",
    ]  # fmt: skip
    assert bad.exception(10) is not None
    found = [state for state, _ in states(rows)]
    assert found == ["delivered", "delivered", "undelivered", "accepted", "accepted", "accepted"]
    assert len(rows("SELECT 1 FROM motcua.receipt_readings")) == len(rows("SELECT 1 FROM motcua.receipts")) == 6


def test_intake_that_had_nothing_to_do_or_failed_takes_the_next_report(sent, rows):
    """After a failure, and after idle time, the intake's thread must store the next receipt."""
    failures = [ConnectionError()]

    def connect_or_break():
        if failures:
            raise failures.pop()
        return connect()

    adapter, intake = open_gateway("kannel"), Intake(connect_or_break)
    effects = []
    for reference in sent[:3]:
        effect = intake.take("kannel", adapter.read_receipt(GatewayCall({"reference": reference, "status": "1"})))
        effects.append(type(effect.exception(10)) if effect.exception(10) else effect.result())
    intake.close()
    assert effects == [ConnectionError, "applied", "applied"]
    assert [state for state, _ in states(rows)][:3] == ["accepted", "delivered", "delivered"]


def test_report_about_a_message_that_somebody_holds_comes_after_the_others_and_waits(sent, rows):
    """A receipt whose message another session has locked waits, and delays no other receipt."""
    with open_connection() as other:
        other.execute("SELECT 1 FROM motcua.messages ORDER BY message_id LIMIT 1 FOR UPDATE")
        held, *free = take((sent[0], "1"), *[(reference, "1") for reference in sent[1:]])
        while len(rows("SELECT 1 FROM motcua.messages WHERE state = 'delivered'")) < 5:
            assert not held.done()
        assert not held.done()
        other.rollback()
    assert held.result(10) == "applied"
    assert {effect.result(10) for effect in free} == {"applied"}


@pytest.mark.guarantee("receipts", "a gateway's answer and a receipt that arrives before it never deadlock")
def test_answers_that_receipts_overtook_wait_for_the_next_receipts_and_hold_up_none(sent, rows):
    answers = [
        AttemptOutcome(reference, "accepted", "accepted", None, 202, "0", None, NOW, None) for reference in sent[:2]
    ]
    with open_connection() as sender, open_connection() as receipts, ThreadPoolExecutor(1) as beside:
        receipts.execute("UPDATE motcua.attempts SET outcome = 'receipt'")
        receipts.commit()
        # Take the locks in the order in which the intake takes them: the messages first, then the attempts one by one.
        receipts.execute("SELECT 1 FROM motcua.messages FOR UPDATE")
        touch = "UPDATE motcua.attempts SET settlings = settlings + 1 WHERE reference = %s"
        receipts.execute(touch, (sent[1],))
        written = beside.submit(apply_outcomes, sender, answers)
        while not rows(
            "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'", sender.info.backend_pid
        ):
            assert not written.done()
        receipts.execute(touch, (sent[0],))
        receipts.commit()
        written.result(60)
        sender.commit()
    kept = rows("SELECT outcome, http_status, settlings FROM motcua.attempts ORDER BY message_id LIMIT 2")
    assert kept == [{"outcome": "accepted", "http_status": 202, "settlings": 1}] * 2


def test_parts_of_one_message_are_read_in_the_order_they_came(sent, rows):
    """One refused part makes a message undelivered, although other parts are reported as delivered."""
    with connect() as connection:
        connection.execute("UPDATE motcua.attempts SET segments = 3")
    effects = take((sent[0], "1"), (sent[0], "16"), (sent[0], "1"))
    assert [effect.result(10) for effect in effects] == ["applied", "applied", "no_change"]
    assert states(rows)[0] == ("undelivered", "part_refused")


def test_answers_of_a_turn_that_fails_are_written_all_the_same(one_stop, gateway, rows, monkeypatch):
    """If a sender's next claim fails, the answers that it has already received must still be stored."""
    queue_results(one_stop, 12)
    claim, claims = messages.claim, []

    def fail_the_second_time(*arguments):
        claims.append(1)
        if len(claims) == 2:
            raise ZeroDivisionError
        return claim(*arguments)

    monkeypatch.setattr(messages, "claim", fail_the_second_time)
    with pytest.raises(ZeroDivisionError):
        send_at(NOW)
    assert {state for state, _ in states(rows)} == {"accepted", "queued"}
    assert [state for state, _ in states(rows)].count("accepted") == len(gateway.asked)
