"""Test sending by Zalo first and by SMS where Zalo does not reach a number: a citizen gets each result once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from motcua.domain.routing import next_day
from motcua.gateways import zalo
from motcua.jobs.notices.sending.sender import unresolved
from motcua.jobs.notices.settling import settle
from motcua.store.agencies import save_agencies
from motcua.store.watching.watch import contradicted_refusals
from motcua.web import callbacks
from tests.ground import NHA_TRANG, NOW, agency, in_ledger, queue_results, reference_of, send_at, states, take_in

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PHONE = "84905123000"


def request_counts(channels):
    return len(channels.zalo.sent), len(channels.sms.asked)


def test_message_goes_to_zalo_with_its_values_and_accents(one_stop, channels, rows):
    queue_results(one_stop)
    send_at()
    assert request_counts(channels) == (1, 0)
    (sent,) = channels.zalo.sent
    assert sent["phone"] == PHONE
    assert sent["template_data"]["dossier_code"] == "D-0"
    assert sent["tracking_id"] == reference_of(rows)
    attempt = rows("SELECT gateway, segments, unit, accented, state FROM motcua.attempts")
    assert [tuple(row.values()) for row in attempt] == [("zalo", 1, "message", True, "accepted")]
    forms = rows("SELECT name, unit, always_accented FROM motcua.gateways ORDER BY name")
    assert [tuple(row.values()) for row in forms] == [("kannel", None, None), ("zalo", "message", True)]


@pytest.mark.guarantee("once", "a number that Zalo does not reach gets one SMS at once")
@pytest.mark.parametrize("code", [-108, -118])
def test_number_that_zalo_does_not_reach_is_told_by_sms_once(code, one_stop, channels, rows):
    channels.zalo.by_number[PHONE] = [code]
    queue_results(one_stop, 2)
    send_at()
    send_at(NOW + HOUR)
    assert request_counts(channels) == (2, 1)
    assert channels.sms.asked[0]["to"] == f"+{PHONE}"
    assert set(states(rows)) == {("accepted", None)}
    assert unresolved("run", now=NOW) == []


@pytest.mark.guarantee(
    "once",
    "after Zalo's answer -114 or -119 an SMS is sent only if Zalo confirmed in writing that these mean no delivery",
)
def test_refusal_that_may_follow_a_delivery_goes_by_sms_only_where_that_was_written(one_stop, channels, rows):
    channels.zalo.by_number[PHONE] = [-114]
    queue_results(one_stop)
    for hours in (0, 1, 5):
        send_at(NOW + hours * HOUR)
    assert request_counts(channels) == (1, 0)
    assert states(rows) == [("rejected", "phone")]
    channels.set_up(refusals_are_sure=True)
    channels.zalo.by_number["84905123001"] = [-114]
    one_stop.both(9, "D-1", applicant_phone="0905123001")
    take_in()
    send_at()
    assert request_counts(channels) == (2, 1)


@pytest.mark.guarantee(
    "once", "a message that timed out at Zalo never goes by SMS; a late event of Zalo's webhook settles it"
)
@pytest.mark.parametrize("answer", ["hang", "reset"])
def test_time_out_never_goes_by_sms(answer, one_stop, channels, rows):
    channels.zalo.by_number[PHONE] = [answer]
    queue_results(one_stop)
    for hours in (0, 1, 24):
        send_at(NOW + hours * HOUR)
        settle("settle", clock=lambda moment=NOW + hours * HOUR: moment)
    assert request_counts(channels) == (1, 0)
    assert states(rows) == [("unknown", "no_answer")]
    event = channels.zalo.event(reference_of(rows))
    with TestClient(callbacks.create_standalone()) as http:
        assert http.post("/gateway/receipts/zalo", content=event.body, headers=event.headers).status_code == 200
    assert [state for state, _ in states(rows)] == ["delivered"]


CONTRADICTED = {
    "refused for good": ([-114], [], (1, 0), ("delivered", "late_receipt"), 0),
    "refused, then sent by SMS": ([-118], [], (1, 1), ("accepted", None), 1),
    "refused, SMS is busy": ([-118], [(503, "Temporal failure, try again later.")] * 9, (1, 1), ("delivered", None), 0),
}
"""Cases of a receipt that contradicts Zalo's refusal.

Each case has Zalo's answers, the SMS gateway's answers, the number of requests to Zalo and to SMS, the message's state
and reason at the end, and the number of messages that the citizen got twice.
"""


@pytest.mark.guarantee(
    "receipts",
    "a receipt for a message that its gateway had refused counts, is reported as a contradiction, and causes no resend",
)
@pytest.mark.parametrize("case", CONTRADICTED)
def test_event_about_what_was_refused_counts_and_is_told_as_a_contradiction(case, one_stop, channels, rows):
    channels.zalo.by_number[PHONE], channels.sms.script, asked, became, told_twice = CONTRADICTED[case]
    queue_results(one_stop)
    send_at()
    assert in_ledger(contradicted_refusals, NOW) == []
    (first,) = rows("SELECT reference FROM motcua.attempts WHERE gateway = 'zalo'")
    event = channels.zalo.event(first["reference"])
    with TestClient(callbacks.create_standalone()) as http:
        assert http.post("/gateway/receipts/zalo", content=event.body, headers=event.headers).status_code == 200
    channels.sms.script = []
    for hours in (1, 5):
        send_at(NOW + hours * HOUR)
    assert request_counts(channels) == asked
    assert states(rows) == [became]
    (found,) = in_ledger(contradicted_refusals, NOW)
    assert (found.gateway, found.messages, found.told_twice) == ("zalo", 1, told_twice)


@pytest.mark.guarantee("gateways-that-fail", "Zalo is skipped at night and is the first gateway again by day")
def test_night_goes_by_sms(one_stop, channels, rows):
    night = NOW + 13 * HOUR
    queue_results(one_stop, 2, night)
    send_at(night)
    assert request_counts(channels) == (0, 2)
    one_stop.both(9, "D-9", at=NOW + 21 * HOUR, applicant_phone="0905123009")
    take_in(NOW + 21 * HOUR)
    send_at(NOW + 21 * HOUR)
    assert request_counts(channels) == (1, 2)


@pytest.fixture
def waits(agencies):
    """Set the agency Nha Trang so that its messages wait at night until Zalo opens again."""
    in_ledger(save_agencies, [agency(NHA_TRANG, waits_for_opening=True)], "tests")


@pytest.mark.guarantee(
    "gateways-that-fail",
    "if its agency chose so, a message that is still useful in the morning waits for Zalo; others go by SMS at night",
)
def test_agency_that_waits_has_at_night_by_sms_what_cannot_wait(one_stop, channels, waits, rows):
    night, morning = NOW + 13 * HOUR, NOW + 20 * HOUR
    channels.zalo.by_number["84905123001"] = [-118]
    one_stop.both(9, "D-9", applicant_phone="0905123001")
    take_in()
    send_at()
    assert request_counts(channels) == (1, 1)
    queue_results(one_stop, 3, night)
    rows("UPDATE motcua.messages SET useful_until = %s WHERE msisdn = '+84905123002'", morning)
    for minutes in (0, 30):
        send_at(night + minutes * MINUTE)
    assert sorted(asked["to"] for asked in channels.sms.asked) == ["+84905123001"] * 2 + ["+84905123002"]
    assert states(rows)[1:] == [("queued", "waits_for_opening"), ("accepted", None), ("accepted", None)]
    assert unresolved("run", now=night) == []
    send_at(morning - MINUTE)
    assert request_counts(channels) == (1, 3)
    send_at(morning)
    assert request_counts(channels) == (2, 3)
    assert set(states(rows)) == {("accepted", None)}


@pytest.mark.guarantee(
    "gateways-that-fail",
    "if its agency chose so, a message that Zalo refuses for its quota waits for the next morning, and no run is red",
)
def test_agency_that_waits_has_what_a_quota_refuses_wait_for_the_morning(one_stop, channels, waits, rows, monkeypatch):
    monkeypatch.setattr(zalo, "next_day", lambda now: next_day(NOW))
    channels.zalo.code = -144
    queue_results(one_stop, 3)
    for hours in (0, 5, 15):
        send_at(NOW + hours * HOUR)
    assert channels.sms.asked == []
    assert set(states(rows)) == {("queued", "waits_for_opening")}
    assert unresolved("run", now=NOW) == []
    asked, channels.zalo.code = len(channels.zalo.sent), 0
    send_at(NOW + 20 * HOUR)
    assert request_counts(channels) == (asked + 3, 0)


@pytest.mark.guarantee(
    "gateways-that-fail", "a message that Zalo refuses for a quota, a template or a value goes by SMS at once"
)
@pytest.mark.parametrize("code", [-144, -147, -131, -132, -115])
def test_what_zalo_refuses_for_another_reason_goes_by_sms(code, one_stop, channels, rows):
    channels.zalo.code = code
    queue_results(one_stop, 3)
    send_at()
    send_at(NOW + MINUTE)
    assert set(states(rows)) == {("accepted", None)}
    assert len(channels.sms.asked) == 3
    left = [finding.name for finding in unresolved("run", now=NOW)]
    assert left == ([] if code in (-144, -147, -132) else ["gateway_stopped"])


@pytest.mark.guarantee(
    "callbacks", "an event of Zalo without a valid signature is refused, even if it carries the secret"
)
def test_event_is_let_in_by_its_signature_alone(one_stop, channels, rows):
    queue_results(one_stop)
    send_at()
    channels.set_up(callback_secret="a word")
    event = channels.zalo.event(reference_of(rows))
    url = "/gateway/receipts/zalo"
    with TestClient(callbacks.create_standalone(), raise_server_exceptions=False) as http:
        for content, headers, query in (
            (event.body, {}, {}),
            (event.body, {}, {"secret": "a word"}),
            (event.body, {"X-Motcua-Secret": "a word"}, {}),
            (event.body + b" ", event.headers, {}),
            (event.body, {"X-ZEvent-Signature": "mac=" + "0" * 64}, {"secret": "a word"}),
        ):
            assert http.post(url, content=content, headers=headers, params=query).status_code == 401
        assert rows("SELECT 1 FROM motcua.receipts") == []
        other = channels.zalo.event("", "user_send_text")
        for each in (event, event, other):
            assert http.post(url, content=each.body, headers=each.headers).status_code == 200
    assert [state for state, _ in states(rows)] == ["delivered"]
    kept = rows("SELECT gateway_status, meaning FROM motcua.receipts JOIN motcua.receipt_readings USING (receipt_id)")
    assert [tuple(row.values()) for row in kept] == [
        ("user_received_message", "delivered"),
        ("user_received_message", "delivered"),
        ("event user_send_text", "pending"),
    ]


@pytest.mark.guarantee(
    "receipts", "a message that Zalo accepted and no phone received becomes `unconfirmed` and is never sent again"
)
def test_what_was_taken_and_never_received_is_unconfirmed(one_stop, channels, rows):
    queue_results(one_stop)
    send_at()
    for days in (1, 4):
        later = NOW + timedelta(days=days)
        settle("settle", clock=lambda moment=later: moment)
        send_at(later)
    assert states(rows) == [("unconfirmed", "no_receipt")]
    assert request_counts(channels) == (1, 0)
