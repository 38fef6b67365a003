"""Test settling of attempts without an answer and of messages without a receipt, and releases by people."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import psycopg
import pytest
from typer.testing import CliRunner

from motcua.cli import app
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices import settling
from motcua.jobs.notices.settling import settle
from motcua.jobs.notices.stopping import release
from motcua.jobs.tasks.notify_transitions import plan_messages
from motcua.jobs.tasks.settle_messages import gate
from motcua.sandbox.network.scripted import ScriptedGateway, http, in_json
from tests.ground import (
    NOW,
    gateway_connection,
    queue_results,
    red_gate,
    reference_of,
    register_templates,
    report,
    run_at,
    send_at,
    states,
    take_in,
    type_command,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def settle_at(moment, window=EVERYTHING):
    return settle("settling", window, clock=lambda: moment)


def policy(gateway, configure, **extra):
    configure(AIRFLOW_CONN_SMS_KANNEL=gateway_connection(gateway.port, concurrency=4, answer_timeout=0.3, **extra))


@pytest.fixture
def unknown(one_stop, gateway, rows):
    """Send one message whose request gets no answer, so that its state is ``unknown``."""
    queue_results(one_stop)
    gateway.script = ["hang"]
    send_at()
    assert states(rows) == [("unknown", "no_answer")]


@pytest.mark.guarantee(
    "once",
    "a time-out, a reset, 500 or 502 makes the message `unknown`, and it is not sent again to any gateway",
)
@pytest.mark.guarantee(
    "unknown-outcome", "a gateway that does not promise to refuse repeats never gets an unknown message again"
)
def test_held_message_is_never_sent_again_is_shown_and_makes_runs_red_while_it_is_useful(unknown, gateway, rows):
    counts = settle_at(NOW + HOUR)
    assert (counts.held, counts.held_useful) == ({"kannel": 1}, 1)
    for hours in range(0, 90, 5):
        settle_at(NOW + hours * HOUR)
        send_at(NOW + hours * HOUR)
    assert len(gateway.asked) == 1
    assert states(rows) == [("unknown", "no_answer")]
    rows("UPDATE motcua.messages SET useful_until = now() + interval '1 hour'")
    shown = type_command("messages", "held", exits=None).output
    assert "D-0" in shown
    assert "0905123" not in shown
    with red_gate(r"1 message\(s\) of unknown outcome at kannel"):
        gate(EVERYTHING)
    rows("UPDATE motcua.messages SET useful_until = now() - interval '1 hour'")
    gate(EVERYTHING)
    assert "No message" in type_command("messages", "held", exits=None).output
    assert "D-0" in type_command("messages", "held", "--all", exits=None).output


@pytest.mark.guarantee(
    "unknown-outcome",
    "a release sends the stored text again and is audited; a receipt that comes later is stored, too",
)
def test_release_repeats_the_stored_words_to_the_stored_number_and_is_audited(unknown, gateway, rows):
    before = rows("SELECT text, msisdn FROM motcua.messages")
    (released,) = release("Nguyễn Văn A", "nhà mạng xác nhận chưa nhận", now=NOW + HOUR)
    assert states(rows) == [("queued", "released")]
    send_at(NOW + HOUR)
    assert states(rows) == [("accepted", None)]
    first, second = gateway.asked
    assert (second["to"], second["text"]) == (first["to"], first["text"])
    assert second["dlr-url"] != first["dlr-url"]
    assert rows("SELECT text, msisdn FROM motcua.messages") == before
    (kept,) = rows("SELECT message_id, released_by, reason, released_at FROM audit.releases")
    assert tuple(kept.values()) == (released, "Nguyễn Văn A", "nhà mạng xác nhận chưa nhận", NOW + HOUR)
    with pytest.raises(psycopg.DatabaseError, match="append-only"):
        rows("DELETE FROM motcua.releases")
    assert report(reference_of(rows), "1") == "no_change"
    assert report(reference_of(rows, 1), "1") == "applied"
    assert states(rows) == [("delivered", None)]
    attempts = rows("SELECT state, released FROM motcua.attempts ORDER BY attempt_id")
    assert attempts == [{"state": "delivered", "released": True}, {"state": "delivered", "released": False}]


@pytest.mark.guarantee(
    "unknown-outcome",
    "a release stores person and reason, checks the dossier, and sends only named messages still unknown and useful",
)
def test_release_looks_at_the_dossier_again(unknown, one_stop, gateway, rows):
    release("A", "why", now=NOW + HOUR)
    one_stop.move(4, "D-0", desk=False, at=NOW + HOUR)
    run_at(NOW + HOUR)
    assert len(gateway.asked) == 1
    assert states(rows) == [("cancelled", "taken_back")]


@pytest.mark.guarantee(
    "unknown-outcome",
    "a release stores person and reason, checks the dossier, and sends only named messages still unknown and useful",
)
def test_release_lets_nothing_go_but_what_is_unknown_named_and_useful(one_stop, gateway, rows):
    queue_results(one_stop, 3)
    gateway.script = ["hang", "hang", (202, "ok")]
    send_at()
    found = rows("SELECT message_id, state FROM motcua.messages ORDER BY 1")
    unknown = [row["message_id"] for row in found if row["state"] == "unknown"]
    accepted = [row["message_id"] for row in found if row["state"] == "accepted"]
    for who, why in (("", "x"), (" ", "x"), ("A", ""), ("A", " ")):
        with pytest.raises(ValueError, match="the name of a person and a reason"):
            release(who, why, now=NOW)
    with pytest.raises(ValueError, match="looks like a phone number"):
        release("A", "gọi 0905 123 456 thì chưa có tin", now=NOW)
    assert release("A", "why", message_ids=accepted, now=NOW) == []
    assert release("A", "why", gateway="another", now=NOW) == []
    assert release("A", "why", Window(NOW + HOUR, NOW + 2 * HOUR), now=NOW) == []
    assert release("A", "why", now=NOW + 4 * DAY) == []
    assert release("A", "why", message_ids=unknown[:1], now=NOW) == unknown[:1]
    assert release("A", "why", message_ids=unknown[:1], now=NOW) == []
    assert sorted(state for state, _ in states(rows)) == ["accepted", "queued", "unknown"]


def test_release_by_command_asks_and_says_what_it_left(unknown, rows):
    """The command asks before it releases a message, and names the messages that it did not release."""
    rows("UPDATE motcua.messages SET useful_until = now() + interval '1 hour'")
    number = str(rows("SELECT message_id FROM motcua.messages")[0]["message_id"])
    run = CliRunner().invoke
    assert run(app, ["messages", "release", "--reason", "x"]).exit_code == 2
    assert run(app, ["messages", "release", number]).exit_code == 2
    assert run(app, ["messages", "release", number, "--reason", "x"], input="n\n").exit_code == 1
    assert states(rows) == [("unknown", "no_answer")]
    assert run(app, ["messages", "release", number, "--reason", "x"], input="y\n").exit_code == 0
    assert states(rows) == [("queued", "released")]
    again = run(app, ["messages", "release", number, "--reason", "x", "--yes"])
    assert again.exit_code == 1
    assert number in again.output


@pytest.mark.guarantee(
    "unknown-outcome",
    "a receipt of the earlier attempt stops a released message that is not sent yet, or prevents the release",
)
def test_receipt_for_a_released_attempt_before_it_is_sent_again_stops_the_second(unknown, gateway, rows):
    release("A", "why", now=NOW + HOUR)
    assert report(reference_of(rows), "1") == "applied"
    assert states(rows) == [("delivered", None)]
    send_at(NOW + HOUR)
    assert len(gateway.asked) == 1


def test_receipt_that_waits_to_be_read_is_read_before_anything_is_released(unknown, rows):
    """A stored receipt is read before a release, so that a delivered message is not sent again."""
    rows(
        "INSERT INTO motcua.receipts (gateway, reference, gateway_status, raw) VALUES ('kannel', %s, '1', '{}')",
        reference_of(rows),
    )
    assert release("A", "why", now=NOW + HOUR) == []
    assert states(rows) == [("delivered", None)]


@pytest.mark.guarantee("unknown-outcome", "a backfill releases messages only on request, and only those of its window")
def test_backfill_releases_only_when_told_to_and_only_its_window(one_stop, gateway, rows):
    queue_results(one_stop)
    gateway.script = ["hang"]
    send_at()
    rows("UPDATE motcua.messages SET useful_until = now() + interval '1 hour'")
    window = Window(NOW - MINUTE, NOW + MINUTE)
    plan_messages(window)
    assert states(rows) == [("unknown", "no_answer")]
    plan_messages(Window(NOW + MINUTE, NOW + HOUR), "operator, backfill__1")
    plan_messages(EVERYTHING, "operator, manual__1")
    assert states(rows) == [("unknown", "no_answer")]
    assert plan_messages(window, "operator, backfill__2")["released"] == 1
    assert states(rows) == [("queued", "released")]
    assert rows("SELECT released_by FROM motcua.releases") == [{"released_by": "operator, backfill__2"}]


@pytest.mark.guarantee("unknown-outcome", "the policy `accept` never sends a message again, and a receipt still counts")
def test_policy_accept_never_sends_again_and_a_receipt_still_counts(one_stop, gateway, configure, rows):
    policy(gateway, configure, when_unknown="accept", unknown_after_hours=2)
    queue_results(one_stop, 2)
    gateway.script = ["hang", "hang"]
    send_at()
    settle_at(NOW + HOUR)
    assert states(rows) == [("unknown", "no_answer")] * 2
    counts = settle_at(NOW + 3 * HOUR)
    assert counts.assumed == 2
    assert states(rows) == [("accepted", "assumed")] * 2
    report(reference_of(rows), "1")
    send_at(NOW + 3 * HOUR)
    settle_at(NOW + 4 * DAY)
    assert len(gateway.asked) == 2
    assert states(rows) == [("delivered", None), ("unconfirmed", "no_receipt")]


@pytest.mark.guarantee(
    "unknown-outcome",
    "a message without a receipt becomes `unconfirmed` after the gateway's horizon; a late receipt still counts",
)
def test_what_no_receipt_came_for_is_unconfirmed_after_the_horizon_and_a_late_receipt_counts(
    one_stop, gateway, configure, rows
):
    policy(gateway, configure, horizon_hours=24)
    queue_results(one_stop, 4)
    send_at()
    report(reference_of(rows, 1), "2")
    rows(
        "INSERT INTO motcua.receipts (gateway, reference, gateway_status, raw) VALUES ('kannel', %s, '1', '{}')",
        reference_of(rows, 3),
    )
    settle_at(NOW + 23 * HOUR)
    settle_at(NOW + 25 * HOUR, Window(NOW + MINUTE, NOW + HOUR))
    assert [state for state, _ in states(rows)][:3] == ["accepted", "undelivered", "accepted"]
    assert settle_at(NOW + 25 * HOUR, Window(NOW, NOW + MINUTE)).unconfirmed == 2
    closed = ("unconfirmed", "no_receipt")
    assert states(rows) == [closed, ("undelivered", "gateway status 2"), closed, ("delivered", None)]
    assert report(reference_of(rows, 0), "1") == "applied"
    assert report(reference_of(rows, 2), "2") == "applied"
    assert [state for state, _ in states(rows)] == ["delivered", "undelivered", "undelivered", "delivered"]
    assert settle_at(NOW + 26 * HOUR).unconfirmed == 0


def test_messages_of_a_gateway_that_is_gone_are_closed_too(one_stop, gateway, rows, monkeypatch):
    """Messages of a gateway that is no longer configured must become unconfirmed after 72 hours too."""
    queue_results(one_stop)
    send_at()
    monkeypatch.delenv("AIRFLOW_CONN_SMS_KANNEL")
    assert settle_at(NOW + 71 * HOUR).unconfirmed == 0
    assert settle_at(NOW + 73 * HOUR).unconfirmed == 1


@pytest.mark.guarantee(
    "unknown-outcome", "a message that is no longer useful expires, also while every gateway is paused"
)
def test_message_that_is_no_longer_useful_expires_while_every_gateway_is_stopped(one_stop, gateway, rows):
    queue_results(one_stop)
    gateway.answer = (403, "Authorization failed for sendsms")
    send_at()
    assert settle_at(NOW + 2 * DAY).expired == 0
    assert settle_at(NOW + 3 * DAY + MINUTE).expired == 1
    assert states(rows) == [("expired", "too_late")]


@pytest.fixture
def esms(configure, ledger):
    """Set up a provider (eSMS) that refuses a repeated reference for a day and can be asked for a message's state."""
    provider = ScriptedGateway()
    extra = {"adapter": "esms", "concurrency": 4, "answer_timeout": 0.3}
    connection = {"conn_type": "http", "host": "127.0.0.1", "port": provider.port, "login": "k", "password": "s" * 9}
    configure(MOTCUA_GATEWAYS="esms", AIRFLOW_CONN_SMS_ESMS=json.dumps(connection | {"extra": extra}))
    register_templates(ledger, "esms")
    yield provider
    provider.close()


def sent(provider):
    """Return the references of the requests to send that the provider got, oldest first."""
    return [asked.record["RequestId"] for asked in provider.asked if "SendMultipleMessage" in asked.path]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"CodeResult": "124"}, ("accepted", None)),
        ({"CodeResult": "100", "SMSID": "d533459ee42b2b9525ba9eabf6a8156"}, ("accepted", None)),
        ({"CodeResult": "99"}, ("rejected", "phone")),
        ({"CodeResult": "146"}, ("unknown", "no_answer")),
        ({"CodeResult": "no such code"}, ("unknown", "no_answer")),
    ],
)
def test_repeat_under_the_same_reference_settles_what_it_proves(one_stop, esms, rows, answer, state):
    """A repeated request settles an unknown message only if the answer proves the outcome of the first request."""
    queue_results(one_stop)
    esms.answer = "hang"
    send_at()
    assert states(rows) == [("unknown", "no_answer")]
    esms.answer = in_json(answer)
    assert settle_at(NOW + timedelta(seconds=20)).repeated == 0
    settle_at(NOW + MINUTE)
    assert states(rows) == [state]
    assert len(sent(esms)) == 2
    assert len(set(sent(esms))) == 1
    first, second = (asked.record for asked in esms.asked if "SendMultipleMessage" in asked.path)
    assert first == second
    settle_at(NOW + MINUTE)
    assert len(sent(esms)) == 2


def test_repeats_wait_longer_each_time_and_end_before_the_provider_forgets(one_stop, esms, rows):
    """Repeats must end before the provider forgets the reference, or the citizen would get a second text."""
    queue_results(one_stop)
    esms.answer = "reset"
    send_at()
    for minutes in range(1, 30 * 60, 30):
        settle_at(NOW + minutes * MINUTE)
    assert 15 <= len(sent(esms)) <= 45
    assert len(set(sent(esms))) == 1
    last = len(sent(esms))
    esms.answer = in_json({"CodeResult": "100", "SMSID": "d533459ee42b2b9525ba9eabf6a8156"})
    settle_at(NOW + timedelta(hours=23))
    assert len(sent(esms)) == last
    assert states(rows) == [("unknown", "no_answer")]


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ({"SendStatus": 5, "SendResult": 1}, ("delivered", None)),
        ({"SendStatus": 5, "SendResult": 0}, ("undelivered", "gateway status SendStatus=5 SendSuccess=0 SendFailed=1")),
        ({"SendStatus": 2, "SendResult": None}, ("accepted", None)),
    ],
)
def test_gateway_that_knows_the_message_is_not_given_it_again(one_stop, esms, rows, result, state):
    """If the provider reports the state of an unknown message, the request is not repeated."""
    queue_results(one_stop)
    esms.answer = "hang"
    send_at()
    entry = {"Campaign": reference_of(rows), "ReferenceId": "d533459ee42b2b9525ba9eabf6a8156"} | result
    esms.answer = in_json({"CodeResult": "100", "SentData": [entry]})
    counts = settle_at(NOW + MINUTE)
    assert counts.repeated == 0
    assert states(rows) == [state]
    assert len(sent(esms)) == 1
    assert rows("SELECT raw ->> 'asked' AS asked FROM motcua.receipts") == [{"asked": "1"}]


def test_repeat_is_not_made_for_a_message_that_no_longer_holds_nor_to_another_number(one_stop, esms, rows):
    """A request is not repeated after the result was taken back or the phone number changed."""
    queue_results(one_stop, 2)
    esms.answer = "hang"
    send_at()
    one_stop.move(4, "D-0", desk=False, at=NOW + MINUTE)
    take_in(now=NOW + MINUTE)
    rows("UPDATE motcua.dossiers SET msisdn = '+84905999888' WHERE dossier_code = 'D-1'")
    esms.answer = in_json({"CodeResult": "124"})
    settle_at(NOW + 2 * MINUTE)
    assert len(sent(esms)) == 2
    assert states(rows) == [("unknown", "no_answer")] * 2


def test_receipts_are_asked_for_where_they_can_be(one_stop, esms, rows):
    """If a provider sends no receipts but can be asked, settling asks it, at growing intervals."""
    queue_results(one_stop)
    esms.answer = in_json({"CodeResult": "100", "SMSID": "d533459ee42b2b9525ba9eabf6a8156"})
    send_at()
    assert states(rows) == [("accepted", None)]
    esms.answer = in_json({"CodeResponse": "100", "SendStatus": 2, "SendSuccess": 0, "SendFailed": 0})
    settle_at(NOW + MINUTE)
    assert len(esms.asked) == 1
    settle_at(NOW + 3 * MINUTE)
    settle_at(NOW + 3 * MINUTE)
    assert len(esms.asked) == 2
    assert states(rows) == [("accepted", None)]
    esms.answer = in_json({"CodeResponse": "100", "SendStatus": 5, "SendSuccess": 1, "SendFailed": 0})
    settle_at(NOW + HOUR)
    assert states(rows) == [("delivered", None)]
    settle_at(NOW + 2 * HOUR)
    assert len(esms.asked) == 3


def test_gateway_that_is_silent_delays_the_rest_of_a_settling_only_for_a_while(one_stop, esms, rows, monkeypatch):
    """Settling must stop asking a silent provider after ``_ASKS_FOR`` seconds, and go on with its other work.

    If this provider accepted hundreds of messages, the first message is due for another question before settling has
    asked about the last one. Without a limit, settling would ask until Airflow ends its task.
    """
    monkeypatch.setattr(settling, "_ASKS_FOR", 1.0, raising=False)
    queue_results(one_stop, 40)
    esms.answer = in_json({"CodeResult": "100", "SMSID": "d533459ee42b2b9525ba9eabf6a8156"})
    send_at()
    esms.answer = "hang"
    began = time.monotonic()
    counts = settle("settling", clock=lambda: NOW + HOUR + 100 * timedelta(seconds=time.monotonic() - began))
    assert time.monotonic() < began + 6
    assert 0 < counts.asked < 40
    esms.answer = in_json({"CodeResponse": "100", "SendStatus": 5, "SendSuccess": 1, "SendFailed": 0})
    monkeypatch.setattr(settling, "_ASKS_FOR", 60.0)
    settle_at(NOW + 3 * HOUR)
    assert {state for state, _ in states(rows)} == {"delivered"}


def test_gateway_is_not_asked_for_ever_about_a_message_that_stays_unknown(one_stop, esms, rows):
    """A message may stay unknown for years. Settling asks about it for 30 days, and its counter must not overflow."""
    queue_results(one_stop)
    esms.answer = "reset"
    send_at()
    asked = [settle_at(NOW + days * DAY).asked for days in (1, 29, 31, 400)]
    assert asked == [1, 1, 0, 0]
    rows("UPDATE motcua.attempts SET settlings = 32767")
    settle_at(NOW + 1500 * DAY)
    assert states(rows) == [("unknown", "no_answer")]


def test_gateway_that_cannot_be_asked_now_settles_nothing_and_breaks_nothing(one_stop, esms, rows):
    queue_results(one_stop, 3)
    esms.answer = "hang"
    send_at()
    for answer in (http(500, "oops"), http(200, "<html>"), "reset", "hang"):
        esms.answer = answer
        settle_at(NOW + HOUR)
    assert {state for state, _ in states(rows)} == {"unknown"}


def test_refused_account_while_settling_stops_the_gateway(one_stop, esms, rows):
    queue_results(one_stop)
    esms.answer = "hang"
    send_at()
    esms.answer = in_json({"CodeResult": "101"})
    settle_at(NOW + MINUTE)
    assert rows("SELECT gateway, reason FROM motcua.gateway_stops") == [
        {"gateway": "esms", "reason": "200 101 wrong ApiKey or SecretKey"}
    ]
    before = len(esms.asked)
    settle_at(NOW + MINUTE + timedelta(seconds=1))
    assert len(esms.asked) == before
    assert states(rows) == [("unknown", "no_answer")]
