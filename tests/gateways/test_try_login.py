"""Test that checking an account at a provider sends no message and raises no error, whatever the provider answers."""

from __future__ import annotations

import pytest

from motcua.sandbox.network.scripted import http, in_json
from tests.gateways.conftest import LOGIN, MSISDN, PASSWORD, make


@pytest.mark.parametrize(
    ("status", "words", "outcome"),
    [
        (400, "Missing receiver number, rejected", "accepted"),
        (403, "Authorization failed for sendsms", "configuration"),
        (404, "Service not found", "configuration"),
        (400, "Bad Request", "unknown"),
        (202, "0: Accepted for delivery", "unknown"),
    ],
)
def test_request_to_kannel_has_no_receiver_and_no_text(status, words, outcome, provider, session, nothing_shows):
    provider.answer = http(status, words)
    known = make("kannel", f"http://127.0.0.1:{provider.port}").try_login(session)
    assert known.outcome == outcome
    (asked,) = provider.asked
    assert asked.query == {"username": LOGIN, "password": PASSWORD}, "the request must have neither receiver nor text"
    nothing_shows(known)


@pytest.mark.parametrize(("code", "outcome"), [("100", "accepted"), ("101", "configuration"), ("", "unknown")])
def test_request_to_esms_lists_the_messages_of_a_single_moment(code, outcome, provider, session, nothing_shows):
    """eSMS is asked for the messages of a single moment, because this request sends nothing and needs a login."""
    provider.answer = in_json({"CodeResult": code, "SentData": []})
    known = make("esms", f"http://127.0.0.1:{provider.port}").try_login(session)
    assert known.outcome == outcome
    (asked,) = provider.asked
    assert asked.target == "/MainService.svc/json/GetSmsSentData_V2"
    assert asked.record["From"] == asked.record["To"]
    assert not {"Phone", "Content"} & asked.record.keys()
    nothing_shows(known)


def test_vnpt_gets_no_request(provider, session):
    """No request to VNPT is known that checks an account and sends no message, so the check sends no request."""
    assert make("vnpt", f"http://127.0.0.1:{provider.port}").try_login(session) is None
    assert provider.asked == []


@pytest.mark.parametrize("adapter", ["kannel", "esms"])
@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n\r\n", "reset", f"<html>{MSISDN}</html>".encode()])
def test_no_answer_raises_an_error(adapter, answer, provider, session, nothing_shows):
    provider.answer = answer
    known = make(adapter, f"http://127.0.0.1:{provider.port}", answer_timeout=0.5).try_login(session)
    assert known.outcome in ("unknown", "transient")
    nothing_shows(known)
