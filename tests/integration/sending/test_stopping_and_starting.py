"""Test gateway pauses: how long a pause lasts, and how a try with a single message ends it within seconds."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from motcua.domain.run_window import EVERYTHING
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.tasks.notify_transitions import send_messages
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.store.notices import attempts
from motcua.store.notices.gateways import GatewayStop, ensure_gateway, stop_gateway
from motcua.store.notices.messages import Departing, begin_sending
from tests.ground import NOW, in_ledger, register_templates, report, send_at, states
from tests.integration.sending.test_routing import VIETTEL, changes, queue

pytestmark = pytest.mark.alone

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
TAKEN, NOT_ROUTABLE = (202, "0: Accepted for delivery"), (403, "Not routable. Do not try again.")
BUSY, NO_ACCOUNT = (503, "Temporal failure, try again later."), (403, "Authorization failed for sendsms")


@pytest.fixture(autouse=True)
def _register_at_second_gateway(ledger):
    """Register the templates at the second gateway too."""
    register_templates(ledger, "second")


def refuse(gateway, *numbers):
    """Let the gateway refuse these numbers as not routable and accept all other numbers."""
    gateway.answer_to = lambda query: NOT_ROUTABLE if query["to"] in numbers else TAKEN


def numbers_of(one_stop, count, block=VIETTEL):
    """Return the phone numbers that the next dossiers get."""
    return [f"+84{block[1:]}{number:03}" for number in range(one_stop.number, one_stop.number + count)]


def stops(rows):
    return rows("SELECT concerns, subject, until, pause FROM motcua.gateway_stops")


# Pauses of one carrier


@pytest.mark.guarantee(
    "gateways-that-fail",
    "a few unroutable numbers delay no other number of their carrier; a number refused repeatedly counts once",
)
def test_few_unroutable_numbers_hold_up_no_other_of_their_carrier_however_often_they_are_refused(
    one_stop, gateway, rows
):
    refuse(gateway, *numbers_of(one_stop, 8))
    queue(one_stop, *[VIETTEL] * 68)
    send_at()
    assert states(rows).count(("accepted", None)) == 60
    assert states(rows).count(("queued", "carrier_refused")) == 8
    for hours in range(1, 6):
        # The gateway refuses the same eight numbers again. Each number counts once, so there is no pause.
        send_at(NOW + timedelta(hours=hours))
    assert len(gateway.asked) > 68 + 16, "the refused numbers were retried"
    queue(one_stop, VIETTEL, at=NOW + timedelta(hours=6))
    send_at(NOW + timedelta(hours=6))
    assert states(rows).count(("accepted", None)) == 61
    assert changes(rows) == stops(rows) == []


@pytest.mark.guarantee(
    "gateways-that-fail",
    "ten refused numbers of a carrier in a row pause the carrier at that gateway until a try succeeds",
)
def test_stopped_carrier_is_tried_with_one_message_after_longer_and_longer_pauses(one_stop, gateway, rows):
    """After each pause, all senders together must try the carrier with only one message."""
    gateway.answer = NOT_ROUTABLE
    queue(one_stop, *[VIETTEL] * 30)
    send_at()
    asked, moment = len(gateway.asked), NOW
    for pause in (2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
        send_at(moment + timedelta(seconds=pause - 1))
        assert len(gateway.asked) == asked, "no request before the pause is over"
        moment += timedelta(seconds=pause)
        with ThreadPoolExecutor(2) as senders:
            for sent in [senders.submit(send_at, moment, f"run {number}") for number in range(2)]:
                sent.result()
        asked += 1
        assert len(gateway.asked) == asked, "one message after the pause"
    assert stops(rows)[0]["pause"] == 5 * MINUTE


def test_stopped_carrier_is_tried_with_a_number_that_was_not_refused_and_whatever_is_taken_starts_it(
    one_stop, gateway, rows
):
    """A paused carrier is tried with a number that was never refused. One accepted message ends the pause."""
    refused = numbers_of(one_stop, 16)
    refuse(gateway, *refused)
    queue(one_stop, *[VIETTEL] * 16)
    send_at()
    assert len(stops(rows)) == 1
    new = numbers_of(one_stop, 60)
    queue(one_stop, *[VIETTEL] * 60, at=NOW + SECOND)
    gateway.asked.clear()
    send_at(NOW + 2 * SECOND)
    assert gateway.asked[0]["to"] == new[-1]
    assert {asked["to"] for asked in gateway.asked} >= set(new)
    assert stops(rows) == []
    assert changes(rows)[-1] == ("kannel", "Viettel", "started")


# Pauses of a whole gateway


@pytest.mark.parametrize("away", [BUSY, NO_ACCOUNT])
def test_gateway_that_is_back_within_seconds_is_used_within_seconds(one_stop, gateway, rows, away):
    queue(one_stop, *[VIETTEL] * 20)
    gateway.answer = away
    send_at()
    assert len(gateway.asked) <= 5
    gateway.answer = TAKEN
    send_at(NOW + SECOND)
    assert states(rows).count(("accepted", None)) == 0
    send_at(NOW + 2 * SECOND)
    # After 503, the refused messages wait only for the end of the pause, and not for a retry time of their own.
    assert states(rows).count(("accepted", None)) >= (20 if away is BUSY else 15)
    assert stops(rows) == []


@pytest.mark.guarantee(
    "gateways-that-fail",
    "a paused gateway is tried with one message after growing waits, which grow faster after an unknown outcome",
)
def test_tries_that_cost_a_message_are_fewer(one_stop, gateway, rows):
    queue(one_stop, *[VIETTEL] * 30)
    # The gateway is down, but a proxy in front of it answers the login that a sender tries first.
    gateway.answer, gateway.login = (502, "bad gateway"), (404, "not found")
    for seconds in range(0, 301, 2):
        send_at(NOW + timedelta(seconds=seconds))
    unknown = states(rows).count(("unknown", "no_answer"))
    assert unknown == len(gateway.asked) <= 4 + 4
    assert states(rows).count(("queued", None)) == 30 - unknown


@pytest.mark.guarantee(
    "gateways-that-fail",
    "after a gateway's restart the same run sends within seconds, and one reset afterwards causes no pause",
)
@pytest.mark.parametrize("script", [[TAKEN, "reset"], [NOT_ROUTABLE]], ids=["a reset", "a refused number"])
def test_one_reset_or_refused_number_after_an_outage_stops_nothing(one_stop, gateway, rows, script):
    queue(one_stop, *[VIETTEL] * 20)
    gateway.answer = BUSY
    send_at()
    gateway.answer, gateway.script = TAKEN, script
    send_at(NOW + 3 * SECOND)
    assert states(rows).count(("accepted", None)) == 19
    assert stops(rows) == []


@pytest.mark.guarantee(
    "gateways-that-fail", "a gateway that accepts a message only now and then leaves few messages unknown"
)
def test_gateway_that_takes_one_now_and_then_costs_few_messages(one_stop, gateway, rows):
    """After each pause at most two messages become unknown, although many more may be in flight at this gateway."""
    queue(one_stop, *[VIETTEL] * 60)
    # The gateway is down, but a proxy in front of it answers the login that a sender tries first.
    gateway.answer, gateway.login = "reset", (404, "not found")
    send_at()
    unknown = states(rows).count(("unknown", "no_answer"))
    for minute in range(1, 6):
        gateway.script = [TAKEN]
        send_at(NOW + 6 * minute * MINUTE)
    assert states(rows).count(("accepted", None)) == 5
    assert states(rows).count(("unknown", "no_answer")) <= unknown + 5 * 2


def test_stop_lasts_as_long_as_the_gateway_asked_and_that_of_a_person_until_he_ends_it(one_stop, gateway, rows):
    """A pause lasts as long as the gateway's Retry-After says. An accepted message does not end a person's pause."""
    queue(one_stop, *[VIETTEL] * 20)
    gateway.answer, gateway.headers = (503, "busy"), {"Retry-After": "60"}
    send_at()
    gateway.answer, gateway.headers, asked = TAKEN, {}, len(gateway.asked)
    send_at(NOW + 59 * SECOND)
    assert len(gateway.asked) == asked

    def stop(query):
        by_hand = GatewayStop("kannel", "gateway", "", NOW, NOW + 60 * MINUTE, "contract ended", by_hand=True)
        in_ledger(stop_gateway, by_hand, changed_by="tests")
        gateway.before_answer = lambda query: None

    gateway.before_answer = stop
    send_at(NOW + 61 * SECOND)
    assert ("accepted", None) in states(rows), "a message that was in flight at the pause must be accepted"
    asked = len(gateway.asked)
    queue(one_stop, VIETTEL)
    send_at(NOW + 10 * MINUTE)
    assert len(gateway.asked) == asked


@pytest.mark.usefixtures("watched")
@pytest.mark.guarantee(
    "gateways-that-fail",
    "after a gateway's restart the same run sends within seconds, and one reset afterwards causes no pause",
)
def test_restart_of_three_seconds_is_over_within_the_same_run(one_stop, gateway, rows, configure):
    configure(MOTCUA_LINGER="60", MOTCUA_LINGER_QUIET="0.5")
    queue(one_stop, *[VIETTEL] * 40, at=datetime.now(UTC))
    gateway.script, gateway.answer, again = [TAKEN] * 8, "reset", []

    def restart(query):
        if len(gateway.asked) == 8:
            threading.Timer(3, lambda: again.append(ScriptedGateway(gateway.port))).start()
            threading.Thread(target=gateway.close).start()

    gateway.before_answer = restart
    try:
        send_messages("run", EVERYTHING)
    finally:
        for double in again:
            double.close()
    unknown = states(rows).count(("unknown", "no_answer"))
    assert states(rows).count(("accepted", None)) == 40 - unknown
    # Four requests may be in flight when the gateway ends. Then the sender tries the gateway with single messages, more
    # often on a slow machine. Without the pause, all of the other 32 messages would become unknown.
    assert unknown <= 3 * 4


# The recorded end of an attempt


@pytest.mark.guarantee("receipts", "each finished attempt stores how it ended, also an attempt of a dead sender")
def test_every_finished_attempt_says_how_it_ended(one_stop, gateway, rows):
    queue(one_stop, *[VIETTEL] * 40)
    gateway.script = [BUSY, NOT_ROUTABLE, (400, "Missing receiver number"), (500, "oops"), "reset"] + [TAKEN] * 7

    def overtake(query):
        reference = query["dlr-url"].partition("reference=")[2].partition("&")[0]
        number = int(query["to"][-3:])
        if number % 3 == 0:
            report(reference, "1" if number % 2 else "2")

    gateway.before_answer = overtake
    for minutes in range(0, 60, 10):
        send_at(NOW + minutes * MINUTE)
    ends = rows("SELECT state, outcome, http_status, gateway_code FROM motcua.attempts WHERE state <> 'in_flight'")
    assert len(ends) >= 40
    assert [end for end in ends if end["outcome"] in (None, "receipt")] == []
    assert {end["http_status"] for end in ends if end["state"] in ("delivered", "undelivered")} >= {202}
    assert {end["outcome"] for end in ends} >= {"accepted", "transient", "configuration", "phone", "unknown"}


def test_attempt_of_a_dead_sender_that_a_receipt_told_of_says_so(one_stop, gateway, rows):
    """If a receipt settles an attempt of a dead sender, the attempt's outcome must be ``receipt``."""
    queue(one_stop, VIETTEL)
    message_id = rows("SELECT message_id FROM motcua.messages")[0]["message_id"]
    value = Departing(message_id, "of the dead", "+84981234000", "Viettel", 1)
    in_ledger(ensure_gateway, "kannel")
    in_ledger(begin_sending, [value])
    in_ledger(attempts.save_attempts, [value], gateway="kannel", sender_id=5, run_id="x", now=NOW)
    report("of the dead", "1")
    send("another", clock=lambda: NOW)
    assert rows("SELECT state, outcome FROM motcua.attempts") == [{"state": "delivered", "outcome": "receipt"}]
