"""Test sending from the ledger to a gateway over real HTTP, and receipts: no message is sent twice or lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.request_slots import http_session
from motcua.jobs.notices.sending.sender import Sender, unresolved
from motcua.jobs.notices.settling import settle
from motcua.jobs.tasks.notify_transitions import gate, send_messages
from motcua.sandbox.network.scripted import TAKEN
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import open_connection
from motcua.store.ledger.locks import hold_lock
from motcua.store.ledger.sessions import Run, work_for
from motcua.store.notices import attempts
from motcua.store.notices.gateways import GatewayStop, ensure_gateway, stop_gateway
from motcua.store.notices.messages import Departing, begin_sending
from motcua.store.oversight.accounting import identity, summed_up
from tests.ground import (
    NHA_TRANG,
    NOW,
    agency,
    in_ledger,
    queue_results,
    red_gate,
    reference_of,
    report,
    run_at,
    send_at,
    states,
    take_in,
    words_of_left,
)

MINUTE = timedelta(minutes=1)


def test_request_is_what_kannel_expects(one_stop, gateway, rows):
    queue_results(one_stop)
    counts = send_at()
    asked = gateway.asked[0]
    reference = rows("SELECT reference FROM motcua.attempts")[0]["reference"]
    assert (asked["from"], asked["to"], asked["coding"], asked["charset"]) == (
        "MotcuaSMS",
        "+84905123000",
        "0",
        "UTF-8",
    )
    assert asked["dlr-url"].startswith(f"http://127.0.0.1:1/gateway/receipts/kannel?reference={reference}&status=%d")
    assert int(asked["max-messages"]) > 1
    assert asked["text"].startswith("Thong bao: Ho so cua quy Ong/Ba (D-0) da duoc giai quyet xong.")
    assert counts.by_outcome == {"accepted": 1}
    assert states(rows) == [("accepted", None)]


@pytest.mark.guarantee(
    "once", "two runs at once, or one run twice, send no message twice, because only one sender can claim a message"
)
@pytest.mark.guarantee(
    "airflow", "a rerun, or two runs at once, sends no message that is accepted, delivered or unknown"
)
def test_sending_again_at_once_or_in_parallel_sends_nothing_twice(one_stop, gateway, rows):
    queue_results(one_stop, 30)
    gateway.seconds = 0.02
    senders = [threading.Thread(target=send_at, args=(NOW, f"run {number}")) for number in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    send_at()
    assert sorted(asked["to"] for asked in gateway.asked) == sorted({asked["to"] for asked in gateway.asked})
    assert len(gateway.asked) == 30
    assert states(rows) == [("accepted", None)] * 30


def test_http_client_repeats_nothing_by_itself(one_stop, gateway):
    queue_results(one_stop)
    gateway.script = ["reset"]
    send_at()
    assert len(gateway.asked) == 1
    session = http_session()
    assert all(adapter.max_retries.total == 0 for adapter in session.adapters.values())
    assert not session.trust_env


@pytest.mark.guarantee(
    "gateways-that-fail", "each answer of a gateway has a class; a refused number makes the message `rejected`"
)
@pytest.mark.parametrize(
    ("answer", "state", "reason", "attempt"),
    [
        ((202, "3: Queued for later delivery\x00"), "accepted", None, "accepted"),
        ((429, ""), "queued", "gateway_busy", "failed"),
        ((400, "Number(s) has/have been denied by white- and/or black-lists."), "rejected", "phone", "rejected"),
        ((403, "Authorization failed for sendsms"), "queued", "gateway_stopped", "failed"),
        ((502, "bad gateway"), "unknown", "no_answer", "unknown"),
        ("reset", "unknown", "no_answer", "unknown"),
    ],
)
def test_each_answer_is_classed(one_stop, gateway, rows, answer, state, reason, attempt):
    queue_results(one_stop)
    gateway.script = [answer]
    send_at()
    assert states(rows) == [(state, reason)]
    assert rows("SELECT state FROM motcua.attempts")[0]["state"] == attempt


def test_gateway_that_is_not_there_is_a_passing_failure(one_stop, gateway, rows):
    queue_results(one_stop)
    gateway.close()
    send_at()
    assert states(rows) == [("queued", "gateway_busy")]
    assert words_of_left(unresolved("run", now=NOW)) == [
        "1 message(s) transient",
        "1 message(s) due while a gateway is stopped",
        "gateway kannel stopped: takes nothing: no connection",
    ]
    assert len(unresolved("run", now=NOW + timedelta(seconds=10))) == 3, "the run stays red after the pause"


def test_run_is_not_red_for_messages_of_carriers_that_are_not_stopped(one_stop, gateway, rows):
    def stop(carrier):
        in_ledger(ensure_gateway, "kannel")
        pause = GatewayStop("kannel", "carrier", carrier, NOW, NOW + timedelta(hours=1), "tests")
        in_ledger(stop_gateway, pause, changed_by="tests")

    queue_results(one_stop)
    rows("UPDATE motcua.messages SET carrier = 'viettel'")
    stop("mobifone")
    assert words_of_left(unresolved("run", now=NOW)) == ["gateway kannel stopped for carrier mobifone: tests"]
    stop("viettel")
    assert words_of_left(unresolved("run", now=NOW))[0] == "1 message(s) due while a gateway is stopped"


def test_run_is_red_for_its_own_attempts_not_for_those_of_another_dags_run_of_the_same_name(one_stop, gateway):
    """Runs of two DAGs may have the same name; each is red only for its own attempts."""
    name = "scheduled__17:30"
    queue_results(one_stop)
    gateway.script = ["hang"]
    try:
        work_for(Run("notify_transitions", name))
        send_at(run_id=name)
        assert words_of_left(unresolved(name, now=NOW)) == ["1 message(s) unknown"]
        work_for(Run("apologize_due_tomorrow", name))
        assert words_of_left(unresolved(name, now=NOW)) == []
    finally:
        work_for(None)
    assert words_of_left(unresolved(name, now=NOW)) == ["1 message(s) unknown"], (
        "outside a run, the attempts of both runs count"
    )


@pytest.mark.guarantee("gateways-that-fail", "after 503, 429 or no connection a message is retried after growing waits")
def test_passing_failure_waits_longer_each_time_and_then_goes(one_stop, gateway, rows):
    queue_results(one_stop)
    gateway.script = [(503, "Temporal failure"), (503, "Temporal failure")]
    send_at()
    send_at(NOW + timedelta(seconds=10))
    assert len(gateway.asked) == 1, "the message still waits for its retry"
    send_at(NOW + timedelta(seconds=30))
    send_at(NOW + timedelta(seconds=90))
    assert len(gateway.asked) == 3
    assert states(rows) == [("accepted", None)]


@pytest.mark.guarantee(
    "once",
    "if a dossier changes just before the request, its message becomes `cancelled`, `suppressed` or `expired`",
)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("taken back", ("cancelled", "taken_back")),
        ("switched off", ("suppressed", "kind_off")),
        ("phone spoilt", ("suppressed", "landline")),
        ("too old", ("expired", "too_late")),
    ],
)
def test_condition_is_looked_at_again_just_before_the_call(one_stop, gateway, rows, change, expected):
    queue_results(one_stop)
    moment = NOW + MINUTE
    match change:
        case "taken back":
            one_stop.move(4, "D-0", desk=False, at=moment)
        case "switched off":
            in_ledger(save_agencies, [agency(NHA_TRANG, kinds_off=("result",))], "tests")
        case "phone spoilt":
            waits_with(one_stop, "02583822001", moment)
        case "too old":
            moment = NOW + timedelta(days=3)
    run_at(moment)
    assert gateway.asked == []
    assert states(rows) == [expected]


def waits_with(one_stop, phone, moment):
    """Change the applicant's phone of the dossier D-0 in the source. The result still waits at the desk."""
    one_stop.dossier("D-0", applicant_phone=phone, updated_at=moment, status_code=9, at_one_stop_desk=True)


@pytest.mark.guarantee(
    "rights",
    "nobody can change the words or the recipient of a queued message, which goes to its dossier's present number",
)
@pytest.mark.parametrize("role", ["motcua_app", "motcua_owner"])
def test_nobody_changes_number_or_words_of_what_is_queued(one_stop, gateway, rows, role):
    queue_results(one_stop)
    rows(f"SET ROLE {role}")
    number = ("msisdn = '+84905999999'", "msisdn = NULL")
    words = ("text = 'Goi 0905999999 de nhan qua'", "parameters = '{x}'", "state = 'sending', text = 'x'")
    for change in number + words:
        with pytest.raises(psycopg.DatabaseError, match="its words are those it was planned with"):
            rows(f"UPDATE motcua.messages SET {change}")


def test_return_while_the_first_is_unknown_waits_for_it(one_stop, gateway, rows):
    """A dossier's second message waits while the first is unknown, because the citizen may already have the first."""
    queue_results(one_stop)
    gateway.script = ["hang"]
    send_at()
    one_stop.move(4, "D-0", desk=False, at=NOW + MINUTE)
    one_stop.move(9, "D-0", at=NOW + 2 * MINUTE)
    run_at(NOW + 2 * MINUTE)
    assert len(gateway.asked) == 1
    assert states(rows) == [("unknown", "no_answer"), ("queued", None)]


def test_result_hold_waits_and_a_reversal_inside_it_cancels(one_stop, gateway, rows):
    """A result that the desk takes back within the agency's hold time must not be texted."""
    in_ledger(save_agencies, [agency(NHA_TRANG, result_hold=15 * MINUTE)], "tests")
    queue_results(one_stop, 2)
    send_at(NOW + MINUTE)
    assert gateway.asked == []
    one_stop.move(4, "D-0", desk=False, at=NOW + 5 * MINUTE)
    pick_up("khanhhoa", now=NOW + 5 * MINUTE)
    send_at(NOW + 16 * MINUTE)
    assert states(rows) == [("cancelled", "taken_back"), ("accepted", None)]


@pytest.mark.guarantee(
    "once", "the attempts of a dead sender become `unknown`; the attempts of a living sender stay as they are"
)
def test_dead_senders_attempts_become_unknown_and_a_living_ones_are_left_alone(one_stop, gateway, rows):
    queue_results(one_stop, 2)
    with open_connection() as living, open_connection() as dying:
        for connection, sender_id, message in ((living, 11, 0), (dying, 22, 1)):
            connection.autocommit = True
            assert hold_lock(connection, sender_id)
            message_id = rows("SELECT message_id FROM motcua.messages ORDER BY 1")[message]["message_id"]
            value = Departing(message_id, f"ref {sender_id}", "+84905123000", "Mobifone", 1)
            ensure_gateway(connection, "kannel")
            begin_sending(connection, [value])
            attempts.save_attempts(connection, [value], gateway="kannel", sender_id=sender_id, run_id="old", now=NOW)
        dying.close()
        counts = send_at(NOW + MINUTE)
    assert counts.abandoned == 1
    assert gateway.asked == []
    assert states(rows) == [("sending", None), ("unknown", "sender_ended")]


def lose_the_ledger(gateway):
    """Let the gateway end all our sessions in the ledger before its first answer, and let it delay each answer."""
    lost = threading.Event()

    def lose(asked):
        if not lost.is_set():
            lost.set()
            time.sleep(0.05)
            in_ledger(
                lambda ledger: ledger.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
                )
            )
        time.sleep(0.1)

    gateway.before_answer = lose


@pytest.mark.guarantee("once", "answers that arrive after the ledger's connection broke are known from the journal")
@pytest.mark.parametrize("late", [False, True])
def test_answers_are_kept_when_the_connection_to_the_ledger_breaks(one_stop, gateway, rows, monkeypatch, late):
    queue_results(one_stop, 4)
    gateway.answer = (503, "try later")
    lose_the_ledger(gateway)
    collect = Sender._collect_answers

    def taken_for_dead_first(self, wait):
        # Before this sender journals its answers, let another sender mark this sender's attempts as unknown.
        if wait is None:
            send_at(NOW + MINUTE, run_id="another")
        collect(self, wait)

    with monkeypatch.context() as kept:
        if late:
            kept.setattr(Sender, "_collect_answers", taken_for_dead_first)
        with pytest.raises(psycopg.OperationalError):
            send_at()
    gateway.before_answer, gateway.answer = None, TAKEN
    settle("settling", clock=lambda: NOW + 2 * MINUTE)
    assert {state for state, _ in states(rows)} <= {"queued", "accepted"}
    send_at(NOW + 20 * MINUTE)
    assert {state for state, _ in states(rows)} == {"accepted"}


@pytest.mark.guarantee(
    "receipts",
    "an early, late, repeated or unordered receipt changes a message only as the table `message_moves` allows",
)
def test_receipts_move_the_message_only_where_the_table_allows(one_stop, gateway, rows):
    receipts_of = {
        "accepted": ["8", "4", "nonsense", "-1"],
        "delivered": ["1", "8 1", "1 8", "1 1 1", "1 2", "2 1"],
        "undelivered": ["2", "34", "16"],
    }
    cases = [(state, reports.split()) for state, several in receipts_of.items() for reports in several]
    queue_results(one_stop, len(cases))
    send_at()
    sent = rows("SELECT reference FROM motcua.attempts ORDER BY message_id")
    for (_, reports), attempt in zip(cases, sent, strict=True):
        for status in reports:
            report(attempt["reference"], status)
    found = zip(states(rows), cases, strict=True)
    assert [(state, reports) for (state, _), (_, reports) in found] == cases
    assert len(rows("SELECT 1 FROM motcua.receipt_readings")) == sum(len(reports) for _, reports in cases)
    assert "0905123456" not in str(rows("SELECT raw FROM motcua.receipts"))


def test_receipt_that_overtakes_the_answer_is_not_overwritten(one_stop, gateway, rows):
    queue_results(one_stop)
    gateway.before_answer = lambda query: report(reference_of(rows), "1")
    send_at()
    assert states(rows) == [("delivered", None)]
    assert rows("SELECT accepted_at IS NOT NULL AS known FROM motcua.messages") == [{"known": True}]


def test_receipt_after_a_failed_answer_stops_the_retry(one_stop, gateway, rows):
    """A proxy may answer 503 although Kannel accepted the message. A retry would then text the citizen twice."""
    queue_results(one_stop)
    gateway.script = [(503, "busy")]
    send_at()
    report(reference_of(rows), "1")
    send_at(NOW + timedelta(hours=1))
    assert len(gateway.asked) == 1
    assert states(rows)[0][0] == "delivered"


def test_undelivered_message_goes_to_the_mended_number_and_an_old_receipt_does_not_touch_it(one_stop, gateway, rows):
    queue_results(one_stop)
    send_at()
    report(reference_of(rows), "2")
    waits_with(one_stop, "0905999888", NOW + MINUTE)
    take_in(now=NOW + MINUTE)
    report(reference_of(rows), "1")
    assert states(rows) == [("queued", "phone_mended")]
    send_at(NOW + MINUTE)
    assert [asked["to"] for asked in gateway.asked] == ["+84905123000", "+84905999888"]
    report(reference_of(rows, 0), "2")
    report(reference_of(rows, 1), "1")
    assert states(rows)[0][0] == "delivered"


@pytest.mark.guarantee(
    "once", "PostgreSQL refuses a second attempt of a message while a first attempt may be on its way"
)
def test_database_itself_refuses_a_second_attempt_beside_an_accepted_one(one_stop, gateway, rows):
    queue_results(one_stop)
    send_at()
    with pytest.raises(psycopg.errors.UniqueViolation):
        rows(
            "INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, started_at)"
            " SELECT message_id, gateway, 'second', 1, 'r', msisdn, now() FROM motcua.attempts"
        )


@pytest.mark.guarantee(
    "airflow", "a backfill sends, plans and reopens nothing outside its window, and retries at once what failed there"
)
def test_backfill_sends_its_window_only_and_retries_at_once_what_failed(one_stop, gateway, rows):
    queue_results(one_stop)
    gateway.script = [(503, "busy")]
    send_at()
    one_stop.both(9, "LATER", at=NOW + timedelta(hours=1))
    moment = NOW + timedelta(seconds=5)
    window = Window(NOW, NOW + MINUTE)
    pick_up("khanhhoa", now=NOW + timedelta(hours=1))
    plan(window, now=moment)
    for _ in range(2):
        send_at(moment, "backfill", window)
    assert len(gateway.asked) == 2
    assert rows("SELECT state FROM motcua.messages") == [{"state": "accepted"}]


@pytest.mark.usefixtures("useful_for_years")
def test_unregistered_template_is_refused_before_it_costs_anything(one_stop, gateway, rows, configure, monkeypatch):
    queue_results(one_stop)
    configure(MOTCUA_GATEWAYS="other")
    monkeypatch.setenv("AIRFLOW_CONN_SMS_OTHER", f"http://a:b@127.0.0.1:{gateway.port}")
    counts = send_at()
    assert gateway.asked == []
    refusal = "template result.v1 is not registered at gateway other (motcua texts register other result.v1)"
    assert counts.unregistered == {refusal: 1}
    with red_gate("not registered"):
        send_messages("run", EVERYTHING)
    assert states(rows) == [("queued", None)]


@pytest.mark.guarantee("identity", "the identity holds after every kind of event that the tests can produce")
def test_identity_balances_over_everything_that_happened(one_stop, gateway, rows):
    queue_results(one_stop, 12)
    gateway.script = [(503, "busy"), "hang", (400, "Missing receiver number"), (202, "0: Accepted for delivery")]
    send_at()
    one_stop.both(5, "NO-PHONE", at=NOW + MINUTE, applicant_phone="")
    one_stop.move(4, "D-0", desk=False, at=NOW + MINUTE)
    take_in(now=NOW + MINUTE)
    figures = in_ledger(identity)
    assert sum(row.expected for row in figures) == 13
    assert {row.difference for row in figures} == {0}
    (total,) = summed_up(figures)
    assert (total.expected, total.rejected, total.suppressed) == (13, 1, 1)
    (later,) = summed_up(in_ledger(identity, Window(NOW + MINUTE, NOW + 2 * MINUTE)))
    earlier = summed_up(in_ledger(identity, Window(NOW, NOW + MINUTE)), "kind")
    assert (later.expected, later.suppressed, later.difference) == (1, 1, 0)
    assert [(row.kind, row.expected, row.difference) for row in earlier] == [("result", 12, 0)]
    rows("SET session_replication_role = replica; DELETE FROM motcua.messages WHERE kind = 'supplement'")
    assert [row.difference for row in in_ledger(identity) if row.kind == "supplement"] == [1]


@pytest.mark.usefixtures("watched")
def test_run_goes_on_while_news_keeps_coming_and_then_ends(one_stop, gateway, rows, configure):
    configure(MOTCUA_LINGER_QUIET="0.5")
    queue_results(one_stop, at=datetime.now(UTC))

    def later(query):
        if len(gateway.asked) < 3:
            code = f"LATER-{len(gateway.asked)}"
            one_stop.both(9, code, updated_at=datetime.now(UTC), at=datetime.now(UTC))

    gateway.before_answer = later
    counts = send_messages("run", EVERYTHING)
    assert len(gateway.asked) == 3
    assert counts["meanwhile"]["picked_up"]["transitions"] == 2
    assert counts["meanwhile"]["planned"]["by_state"] == {"queued": 2}
    assert states(rows) == [("accepted", None)] * 3


@pytest.mark.usefixtures("useful_for_years")
@pytest.mark.guarantee("once", "after SIGTERM a sender claims nothing more and ends with nothing in flight")
def test_sigterm_ends_a_sender_with_nothing_in_flight(one_stop, gateway, rows):
    queue_results(one_stop, 40)
    gateway.seconds = 0.05

    def terminate(query):
        if len(gateway.asked) == 6:
            os.kill(os.getpid(), signal.SIGTERM)

    gateway.before_answer = terminate
    send_messages("run", EVERYTHING)
    assert 6 <= len(gateway.asked) < 40
    assert {row["state"] for row in rows("SELECT DISTINCT state FROM motcua.messages")} == {"accepted", "queued"}
    assert len(rows("SELECT 1 FROM motcua.messages WHERE state = 'accepted'")) == len(gateway.asked)


@pytest.mark.guarantee(
    "airflow",
    "a run is red if a retryable message of its interval failed, whichever run sent it; a bad phone makes no run red",
)
def test_run_by_the_clock_is_red_for_its_own_minute_whichever_run_tried(one_stop, gateway, rows):
    """A scheduled run must fail for a failed attempt of its minute, also if a run that the watcher started made it.

    A backfill of failed runs repeats only scheduled runs. If the scheduled run were green, the backfill would not retry
    the message.
    """
    queue_results(one_stop)
    gateway.script = [(503, "busy")]
    send_at(run_id="woken")
    rows("UPDATE motcua.sources SET picked_up_at = now()")
    gate("by the clock", EVERYTHING, (), Window(NOW + MINUTE, NOW + 2 * MINUTE))
    with red_gate(r"1 message.s. of this run's minutes"):
        gate("by the clock", EVERYTHING, (), Window(NOW, NOW + MINUTE))
