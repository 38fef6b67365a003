"""Test the adapter for eSMS.vn: requests, the table of its codes, and receipts that are pushed or queried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from motcua.gateways.adapter import GatewayCall, SentAttempt
from motcua.gateways.esms import ANSWERS
from motcua.sandbox.network.scripted import http, in_json
from tests.gateways.conftest import (
    CALLBACK_SECRET,
    ECHO,
    LOGIN,
    MSISDN,
    PASSWORD,
    REFERENCE,
    TEXT,
    make,
    outgoing,
)

SMS_ID = "d533459ee42b2b9525ba9eabf6a8156"
STARTED = datetime(2026, 11, 25, 20, 58, tzinfo=UTC)
"""In Vietnam, this moment is 3:58 on 26 November."""


@pytest.fixture
def gateway(provider):
    return make("esms", f"http://127.0.0.1:{provider.port}")


def test_request(gateway, provider, session, nothing_shows):
    provider.answer = in_json({"CodeResult": "100", "CountRegenerate": 0, "SMSID": SMS_ID})
    outcome = gateway.submit(session, outgoing())
    assert (outcome.outcome, outcome.code, outcome.gateway_reference) == ("accepted", "100 accepted", SMS_ID)
    asked = provider.asked[0]
    assert (asked.method, asked.target) == ("POST", "/MainService.svc/json/SendMultipleMessage_V4_post_json/")
    assert asked.headers["content-type"] == "application/json"
    record = asked.record
    callback = record.pop("CallbackUrl")
    assert record == {
        "ApiKey": LOGIN,
        "SecretKey": PASSWORD,
        "Phone": "0905123456",
        "Content": TEXT,
        "Brandname": "MotcuaSMS",
        "SmsType": "2",
        "IsUnicode": "0",
        "Sandbox": "0",
        "RequestId": REFERENCE,
        "campaignid": REFERENCE,
    }
    assert callback.startswith("https://sms.example/gateway/receipts/it?")
    nothing_shows(outcome)


@pytest.mark.parametrize(
    ("changes", "extra", "field", "value"),
    [
        ({"accented": True, "text": "Hồ sơ (Đ-1) đã xong"}, {}, "IsUnicode", "1"),
        ({}, {"sandbox": "false"}, "Sandbox", "0"),
        ({}, {"sender": "UBND KH"}, "Brandname", "UBND KH"),
        ({}, {"callback_url": None}, "CallbackUrl", None),
    ],
)
def test_request_follows_message_and_connection(changes, extra, field, value, provider, session):
    provider.answer = in_json({"CodeResult": "100"})
    gateway = make("esms", f"http://127.0.0.1:{provider.port}/", **extra)
    outcome = gateway.submit(session, outgoing(**changes))
    assert (outcome.outcome, outcome.gateway_reference) == ("accepted", None)
    assert provider.asked[0].record.get(field) == value


@pytest.mark.parametrize(
    ("reply", "outcome", "concerns"),
    [
        ({"CodeResult": "100", "SMSID": SMS_ID}, "accepted", "gateway"),
        ({"CodeResult": 100, "SMSID": SMS_ID}, "accepted", "gateway"),
        ({"CodeResult": "99"}, "phone", "gateway"),
        ({"CodeResult": "108"}, "phone", "gateway"),
        ({"CodeResult": "101", "ErrorMessage": "Authorize Failed"}, "configuration", "gateway"),
        ({"CodeResult": "102"}, "configuration", "gateway"),
        ({"CodeResult": "103"}, "configuration", "gateway"),
        ({"CodeResult": "104", "ErrorMessage": "Brand name code is not exist"}, "configuration", "gateway"),
        ({"CodeResult": "118"}, "configuration", "gateway"),
        ({"CodeResult": "140"}, "configuration", "gateway"),
        ({"CodeResult": "143"}, "configuration", "gateway"),
        ({"CodeResult": "146", "ErrorMessage": "Sai template", "SMSID": SMS_ID}, "configuration", "template"),
        ({"CodeResult": "177"}, "configuration", "carrier"),
        ({"CodeResult": "201"}, "configuration", "message"),
        ({"CodeResult": "300"}, "configuration", "gateway"),
        ({"error": "Invalid request"}, "configuration", "gateway"),
        ({"CodeResult": "124", "ErrorMessage": "Request exist 1", "SendStatus": "5"}, "duplicate", "gateway"),
        ({"CodeResult": "124", "SendStatus": 4}, "configuration", "message"),
        # After codes about Zalo or advertising, and after future codes, it is unknown whether the message was sent.
        ({"CodeResult": "789"}, "unknown", "gateway"),
        ({"CodeResult": "160"}, "unknown", "gateway"),
        ({"CodeResult": None}, "unknown", "gateway"),
        ({"CodeResult": True}, "unknown", "gateway"),
        ({"error": "anything else"}, "unknown", "gateway"),
    ],
)
def test_each_answer(reply, outcome, concerns, gateway, provider, session, nothing_shows):
    provider.answer = in_json({"ErrorMessage": ECHO, "echo": ECHO} | reply)
    seen = gateway.submit(session, outgoing())
    assert (seen.outcome, seen.http_status, seen.concerns) == (outcome, 200, concerns)
    assert seen.gateway_reference == (reply.get("SMSID") if outcome == "accepted" else None)
    nothing_shows(seen)


def test_every_code_of_the_table_has_its_case():
    cases = next(mark for mark in test_each_answer.pytestmark if mark.name == "parametrize").args[1]
    shown = {str(reply.get("CodeResult", reply.get("error", ""))).strip() for reply, _, _ in cases}
    assert set(ANSWERS) - {"124 rejected"} <= shown


def test_http_status_and_code_that_disagree(gateway, provider, session):
    for status, code, outcome in (
        (400, "108", "phone"),
        (403, "140", "configuration"),
        (400, "100", "unknown"),
        (429, "100", "unknown"),
        (408, "103", "unknown"),
        (500, "108", "unknown"),
        (201, "100", "accepted"),
    ):
        provider.answer = in_json({"CodeResult": code}, status)
        assert gateway.submit(session, outgoing()).outcome == outcome, (status, code)


@pytest.mark.parametrize("body", ['{"CodeResult": "146", "ErrorMessage": "Sai mẫu"}'])
@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "cp1258"])
def test_code_is_read_despite_a_wrong_charset_if_it_is_legible(body, charset, gateway, provider, session):
    provider.answer = http(200, body.encode(charset, "replace"), Content_Type="application/json; charset=utf-8")
    assert gateway.submit(session, outgoing()).outcome == ("unknown" if charset == "utf-16" else "configuration")


@pytest.mark.parametrize("sms_id", ["84905123456", f"id of {MSISDN}", "x" * 65, {"id": 1}])
def test_id_that_may_hold_a_number_or_a_text_is_not_kept(sms_id, gateway, provider, session, nothing_shows):
    provider.answer = in_json({"CodeResult": "100", "SMSID": sms_id})
    seen = gateway.submit(session, outgoing())
    assert (seen.outcome, seen.gateway_reference) == ("accepted", None)
    nothing_shows(seen)


def test_repeats_are_refused_for_a_day_less_an_hour_unless_the_connection_says_otherwise():
    assert make("esms", "http://h").refuses_repeats_for == timedelta(hours=23)
    assert make("esms", "http://h", refuses_repeats_hours="0.5").refuses_repeats_for == timedelta(minutes=30)
    assert make("esms", "http://h", refuses_repeats_hours=0).refuses_repeats_for == timedelta(0)


def pushed(**fields):
    """Return a callback in the form of the vendor's sample."""
    return {
        "SMSID": "dc712784-9c5f-4c69-b9a8-ea69d56adc9a87",
        "SendFailed": "0",
        "SendStatus": "5",
        "SendSuccess": "1",
        "TotalPrice": "850.0000",
        "TotalReceiver": "1",
        "TotalSent": "1",
        "RequestId": REFERENCE,
        "TypeId": "2",
        "telcoid": "1",
        "phonenumber": "0905123456",
        "switchsmsid": "",
        "secret": CALLBACK_SECRET,
    } | fields


def test_pushed_report(gateway, nothing_shows):
    for fields, meaning in (
        ({}, "delivered"),
        ({"SendSuccess": "0", "SendFailed": "1"}, "undelivered"),
        ({"SendSuccess": "0", "SendFailed": "0"}, "accepted"),
        ({"SendSuccess": "1", "SendFailed": "1"}, "unreadable"),
        ({"SendStatus": "1", "SendSuccess": "0"}, "accepted"),
        ({"SendStatus": "7", "SendSuccess": "0"}, "accepted"),
        ({"SendStatus": "4", "SendSuccess": "0"}, "undelivered"),
        ({"SendStatus": "0", "SendSuccess": "0"}, "pending"),
        ({"SendStatus": "3"}, "unreadable"),
        ({"SendStatus": ""}, "unreadable"),
        ({"SendStatus": "٥"}, "unreadable"),
    ):
        reading = gateway.read_receipt(GatewayCall(pushed(**fields)))
        assert (reading.reference, reading.meaning) == (REFERENCE, meaning), fields
        assert gateway.meaning_of(reading.gateway_status) == meaning
        nothing_shows(reading)


def test_pushed_report_without_counters_claims_no_delivery(gateway):
    fields = {"SendStatus": "5", "RequestId": REFERENCE}
    assert gateway.read_receipt(GatewayCall(fields)).meaning == "accepted"


def test_pushed_report_is_kept_without_number_and_secret(gateway):
    reading = gateway.read_receipt(GatewayCall(pushed()))
    assert reading.gateway_status == "SendStatus=5 SendSuccess=1 SendFailed=0"
    assert reading.raw == {
        "SMSID": "dc712784-9c5f-4c69-b9a8-ea69d56adc9a87",
        "SendStatus": "5",
        "SendSuccess": "1",
        "SendFailed": "0",
        "TotalReceiver": "1",
        "TotalSent": "1",
        "TotalPrice": "850.0000",
        "TypeId": "2",
        "telcoid": "1",
    }


@pytest.mark.parametrize("glue", ["?", "&", ""])
@pytest.mark.parametrize("names_it", [True, False])
def test_secret_and_reference_survive_however_the_vendor_adds_its_fields(glue, names_it, gateway, provider, session):
    provider.answer = in_json({"CodeResult": "100"})
    gateway.submit(session, outgoing())
    named = f"&RequestId={REFERENCE}" if names_it else "&RequestId="
    called = provider.asked[0].record["CallbackUrl"] + f"{glue}SMSID={SMS_ID}&SendStatus=5&SendSuccess=1{named}"
    fields = dict(parse_qsl(urlsplit(called).query, keep_blank_values=True))
    assert fields["secret"] == CALLBACK_SECRET
    reading = gateway.read_receipt(GatewayCall(fields))
    assert (reading.reference, reading.meaning, reading.raw["SMSID"]) == (REFERENCE, "delivered", SMS_ID)


def answered(**fields):
    return {"CodeResponse": "100", "SMSID": SMS_ID, "SendFailed": 0, "SendStatus": 5, "SendSuccess": 1} | fields


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (answered(TotalPrice=850.0, TotalReceiver=1, TotalSent=1), "delivered"),
        (answered(SendFailed=1, SendSuccess=0), "undelivered"),
        (answered(SendStatus=7, SendSuccess=0), "accepted"),
        (answered(SendStatus=4, SendSuccess=0), "undelivered"),
        (answered(SendStatus=0, SendSuccess=0), "pending"),
        (answered(SendStatus=None), None),
        (answered(SMSID="of-another-message"), None),
        ({"CodeResponse": "101", "SMSID": SMS_ID}, None),
        ({"CodeResult": "100"}, None),
        ([answered()], None),
    ],
)
def test_message_is_asked_about_by_the_vendors_id(reply, meaning, gateway, provider, session, nothing_shows):
    provider.answer = in_json(reply)
    reading = gateway.ask(session, SentAttempt(REFERENCE, SMS_ID, MSISDN, STARTED))
    asked = provider.asked[0]
    assert (asked.method, asked.path) == ("GET", "/MainService.svc/json/GetSendStatus")
    assert asked.query == {"RefId": SMS_ID, "ApiKey": LOGIN, "SecretKey": PASSWORD}
    assert (reading and reading.meaning) == meaning
    assert reading is None or reading.reference == REFERENCE
    nothing_shows(reading)


def entry(**fields):
    return {
        "Campaign": REFERENCE,
        "Content": TEXT,
        "Phone": "0905123456",
        "ReferenceId": "35781d6c25524e40a035c26663189549",
        "SellPrice": 345.0,
        "SendResult": 1,
        "SendStatus": 5,
        "SentTime": "/Date(1705484048995+0700)/",
        "SmsId": 29028845,
        "SmsType": 2,
    } | fields


ANOTHER = entry(Campaign="another", SendResult=0)


@pytest.mark.parametrize(
    ("entries", "meaning"),
    [
        ([ANOTHER, entry(), ANOTHER], "delivered"),
        ([entry(SendResult=0)], "undelivered"),
        ([entry(SendResult=2, SendStatus=7)], "accepted"),
        ([entry(SendResult=0, SendStatus=4)], "undelivered"),
        # The list may be incomplete for now, so a missing message is no proof that eSMS never accepted the message.
        ([ANOTHER], None),
        (None, None),
        ([None, "text", [entry()]], None),
        ([entry(SendStatus="odd")], None),
    ],
)
def test_message_without_an_answer_is_looked_for_in_the_list(
    entries, meaning, gateway, provider, session, nothing_shows
):
    provider.answer = in_json({"CodeResult": "100", "CountTotal": 2, "SentData": entries})
    reading = gateway.ask(session, SentAttempt(REFERENCE, None, MSISDN, STARTED))
    asked = provider.asked[0]
    assert (asked.method, asked.target) == ("POST", "/MainService.svc/json/GetSmsSentData_V2")
    assert asked.record == {
        "ApiKey": LOGIN,
        "SecretKey": PASSWORD,
        "SmsType": "2",
        "From": "2026-11-26 03:53:00",
        "To": "2026-11-26 04:03:00",
        "Page": 1,
        "PageSize": 500,
    }
    assert (reading and reading.meaning) == meaning
    nothing_shows(reading)


def test_message_is_also_looked_for_on_later_pages_of_the_list(gateway, provider, session):
    """A busy account sends more than 500 messages in ten minutes, so the vendor's list has several pages."""
    pages = [[ANOTHER] * 500, [ANOTHER] * 500, [ANOTHER, entry()]]
    provider.answer_to = lambda asked: in_json({"CodeResult": "100", "SentData": pages[asked.record["Page"] - 1]})
    reading = gateway.ask(session, SentAttempt(REFERENCE, None, MSISDN, STARTED))
    assert reading is not None
    assert reading.meaning == "delivered"
    assert [asked.record["Page"] for asked in provider.asked] == [1, 2, 3]


@pytest.mark.parametrize("reply", [{"CodeResult": "101"}, {"CodeResult": "100"}, {"SentData": [entry()]}])
def test_refused_or_malformed_list_gives_no_outcome(reply, gateway, provider, session):
    provider.answer = in_json(reply)
    assert gateway.ask(session, SentAttempt(REFERENCE, None, MSISDN, STARTED)) is None
