"""Test the adapter for Zalo: its requests, the table of its codes, token renewals, and the events of its webhook."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from motcua.domain.routing import next_day
from motcua.domain.tokens import Tokens
from motcua.gateways import GatewayMisconfigured
from motcua.gateways.adapter import GatewayAddress, GatewayAnswer, GatewayCall
from motcua.gateways.zalo import ANSWERS, ZaloGateway
from motcua.sandbox.network.scripted import http, in_json
from tests.gateways.conftest import (
    ACCESS_TOKEN,
    LOGIN,
    MSISDN,
    PASSWORD,
    REFERENCE,
    REFRESH_TOKEN,
    WEBHOOK_SECRET,
    make,
    outgoing,
)

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
MSG_ID = "f74a9c2ce1a0c8fe91b1"


@pytest.fixture
def gateway(provider):
    return make("zalo", provider.url, oauth_url=provider.url)


def test_request(gateway, provider, session, nothing_shows):
    provider.answer = in_json(
        {"error": 0, "message": "Success", "data": {"msg_id": MSG_ID, "sent_time": "1764039600000", "quota": {}}}
    )
    outcome = gateway.submit(session, outgoing(accented=True))
    assert (outcome.outcome, outcome.code, outcome.gateway_reference) == ("accepted", "0 accepted", MSG_ID)
    (asked,) = provider.asked
    assert (asked.method, asked.target) == ("POST", "/message/template")
    assert asked.headers["access_token"] == ACCESS_TOKEN
    assert asked.record == {
        "phone": "84905123456",
        "template_id": "78382",
        "template_data": {"dossier_code": "KH-160915", "agency_name": "UBND TP Nha Trang"},
        "tracking_id": REFERENCE,
    }
    nothing_shows(outcome, gateway.tokens)


@pytest.mark.parametrize(
    ("code", "outcome", "concerns"),
    [
        (0, "accepted", "gateway"),
        (-100, "unknown", "gateway"),
        (-108, "unreachable", "gateway"),
        (-114, "phone", "gateway"),
        (-115, "configuration", "gateway"),
        (-118, "unreachable", "gateway"),
        (-119, "phone", "gateway"),
        (-124, "configuration", "gateway"),
        (-131, "configuration", "template"),
        (-132, "configuration", "message"),
        (-133, "configuration", "gateway"),
        (-144, "configuration", "gateway"),
        (-147, "configuration", "gateway"),
        (-999, "unknown", "gateway"),
        ("", "unknown", "gateway"),
    ],
)
def test_each_code(code, outcome, concerns, gateway, provider, session, nothing_shows):
    provider.answer = in_json({"error": code, "message": f"{MSISDN} {PASSWORD}"})
    seen = gateway.submit(session, outgoing())
    assert (seen.outcome, seen.concerns) == (outcome, concerns)
    assert str(code) in ANSWERS or outcome == "unknown"
    nothing_shows(seen)


@pytest.mark.parametrize("code", [-114, -119])
def test_refusals_that_the_connection_declares_sure_go_to_the_next_gateway(code, provider, session):
    provider.answer = in_json({"error": code})
    sure = make("zalo", provider.url, refusals_are_sure=True)
    assert sure.submit(session, outgoing()).outcome == "unreachable"


@pytest.mark.parametrize("status", [400, 429])
def test_refusal_that_says_the_message_was_taken_is_unknown(status, gateway, provider, session):
    provider.answer = in_json({"error": 0, "message": "Success", "data": {"msg_id": MSG_ID}}, status)
    assert gateway.submit(session, outgoing()).outcome == "unknown"


def test_refusal_of_the_token_is_told_from_other_refusals(gateway, provider, session):
    for code in (-124, -115):
        provider.answer = in_json({"error": code})
        seen = gateway.submit(session, outgoing())
        assert seen.refused_token == (ACCESS_TOKEN if code == -124 else None)
        assert ACCESS_TOKEN not in repr(seen)


def test_token_that_is_renewed_while_a_request_is_open_is_not_the_refused_one(gateway, provider, session):
    def renew(asked):
        gateway.tokens = Tokens("next", "refresh", NOW, NOW + timedelta(hours=1), NOW + timedelta(days=90))

    provider.before_answer = renew
    provider.answer = in_json({"error": -124})
    assert gateway.submit(session, outgoing()).refused_token == ACCESS_TOKEN


def test_refusals_at_night_or_by_quota_say_when_the_gateway_opens_and_others_do_not(gateway, provider, session):
    seen = {}
    for code in (-133, -144, -147, -115, -124, -131, -132):
        provider.answer = in_json({"error": code})
        seen[code] = gateway.submit(session, outgoing()).open_at
    now = datetime.now(UTC)
    assert now < seen[-133] <= now + timedelta(hours=8)
    assert seen[-144] == seen[-147] == next_day(now)
    assert {seen[code] for code in (-115, -124, -131, -132)} == {None}


def test_no_request_is_sent_without_a_token_or_a_templates_id(gateway, provider, session):
    refused = gateway.submit(session, outgoing(provider_template_id=None))
    assert (refused.outcome, refused.concerns) == ("configuration", "template")
    gateway.tokens = None
    assert gateway.submit(session, outgoing()) == GatewayAnswer("configuration", code="no access token")
    assert provider.asked == []


def test_night_is_from_22_to_6_in_vietnam(gateway):
    of_hour = {hour: gateway.closed.until(datetime(2026, 11, 25, (hour - 7) % 24, tzinfo=UTC)) for hour in range(24)}
    assert {hour for hour, until in of_hour.items() if until} == {22, 23, 0, 1, 2, 3, 4, 5}


def test_connection_has_what_sending_needs_or_what_callbacks_need():
    with pytest.raises(GatewayMisconfigured, match="refresh_token missing"):
        make("zalo", "http://127.0.0.1:1", refresh_token="", webhook_secret="")
    with pytest.raises(GatewayMisconfigured, match="refusals_are_sure"):
        make("zalo", "http://127.0.0.1:1", refusals_are_sure="yes")
    assert make("zalo", "http://127.0.0.1:1", webhook_secret="").receipt_is_signed(event()) is False
    hears = ZaloGateway(GatewayAddress("it", "", "", "", {"app_id": LOGIN, "webhook_secret": WEBHOOK_SECRET}))
    assert hears.receipt_is_signed(event())
    assert hears.first_refresh_token is None


def test_renewal(gateway, provider, session, nothing_shows):
    provider.answer = in_json({"access_token": "next/access", "refresh_token": "next/refresh", "expires_in": "90000"})
    tokens = gateway.renew(session, REFRESH_TOKEN, NOW)
    assert tokens == Tokens("next/access", "next/refresh", NOW, NOW + timedelta(hours=25), NOW + timedelta(days=90))
    assert "next" not in repr(tokens)
    (asked,) = provider.asked
    assert (asked.method, asked.target) == ("POST", "/v4/oa/access_token")
    assert asked.headers["secret_key"] == PASSWORD
    assert asked.body == f"refresh_token=refresh%2Fword&app_id={LOGIN}&grant_type=refresh_token".encode()
    nothing_shows(tokens)


@pytest.mark.parametrize("expires_in", [None, "soon", 0, -1, 10**12])
def test_token_whose_life_is_not_told_is_renewed_soon(expires_in, gateway, provider, session):
    provider.answer = in_json({"access_token": "a", "refresh_token": "b", "expires_in": expires_in})
    assert gateway.renew(session, REFRESH_TOKEN, NOW).access_until == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (in_json({"error": -14014, "error_description": "refresh/word"}), "configuration"),
        (in_json({"error_name": "Invalid", "error": "refresh/word"}, 401), "configuration"),
        (http(500, "refresh/word"), "unknown"),
        (in_json({"error": -1}, 502), "unknown"),
        (in_json({"access_token": "a"}), "unknown"),
        (in_json({"access_token": "a\r\nb", "refresh_token": "c"}), "unknown"),
        (http(200, "<html>"), "unknown"),
        ("reset", "unknown"),
        ("hang", "unknown"),
    ],
)
def test_renewal_that_fails(answer, outcome, gateway, provider, session, nothing_shows):
    provider.answer = answer
    failed = gateway.renew(session, REFRESH_TOKEN, NOW)
    assert isinstance(failed, GatewayAnswer)
    assert failed.outcome == outcome
    nothing_shows(failed)


def event(name="user_received_message", secret=WEBHOOK_SECRET, prefix="mac=", **message):
    told = {"delivery_time": "1764039600000", "msg_id": MSG_ID, "tracking_id": REFERENCE} | message
    body = json.dumps({"event_name": name, "app_id": LOGIN, "message": told, "timestamp": "1764039601000"}).encode()
    digest = hashlib.sha256(LOGIN.encode() + body + b"1764039601000" + secret.encode()).hexdigest()
    return GatewayCall({}, headers={"x-zevent-signature": prefix + digest}, body=body)


def test_event_of_a_delivery_is_read_as_a_receipt(gateway):
    for prefix in ("mac=", ""):
        call = event(prefix=prefix)
        assert gateway.receipt_is_signed(call)
        reading = gateway.read_receipt(call)
        assert (reading.reference, reading.meaning) == (REFERENCE, "delivered")
        assert reading.raw == {"delivery_time": "2025-11-25T03:00:00+00:00"}
        assert gateway.meaning_of(reading.gateway_status) == "delivered"


@pytest.mark.parametrize(
    "call",
    [
        event(secret="other"),
        GatewayCall({}, headers={}, body=event().body),
        GatewayCall({}, headers=event().headers, body=event().body + b" "),
        GatewayCall({}, headers={"x-zevent-signature": "mac="}, body=b"{}"),
        GatewayCall({}, headers={"x-zevent-signature": "é\ufffd"}, body=event().body),
        GatewayCall({}, headers={"x-zevent-signature": "x"}, body=b"[" * 9000),
    ],
)
def test_event_with_a_wrong_signature_is_refused(call, gateway):
    assert gateway.receipt_is_signed(call) is False


def test_of_other_events_only_the_name_is_kept(gateway, nothing_shows):
    reading = gateway.read_receipt(event("user_send_text", text="0905123456"))
    assert (reading.reference, reading.gateway_status, reading.meaning) == (None, "event user_send_text", "pending")
    assert reading.raw == {}
    assert gateway.meaning_of("event user_send_text") == "pending"
    for name in ("0905123456", "", "A" * 80):
        assert gateway.read_receipt(event(name)).meaning == "unreadable"
    strange = gateway.read_receipt(event(tracking_id="0905123456", delivery_time=MSISDN))
    assert (strange.reference, strange.raw) == (None, {})
