"""Test the adapter for Kannel: its request, and each answer of Kannel's program ``smsbox``.

Receipts are tested in tests/integration/sending/test_sending.py.
"""

from __future__ import annotations

import logging

import pytest
import requests

from motcua.sandbox.network.scripted import http
from tests.gateways.conftest import (
    CALLBACK_SECRET,
    ECHO,
    LOGIN,
    MSISDN,
    PASSWORD,
    REFERENCE,
    SPELLINGS,
    TEXT,
    make,
    outgoing,
)

ACCEPTED = "0: Accepted for delivery"


def test_request(provider, session, nothing_shows):
    """The request must have the parameters that Kannel documents. The secret in its receipt URL must be escaped."""
    provider.answer = http(202, ACCEPTED)
    outcome = make("kannel", f"http://127.0.0.1:{provider.port}").submit(session, outgoing(accented=True))
    assert (outcome.outcome, outcome.http_status, outcome.code) == ("accepted", 202, ACCEPTED)
    asked = provider.asked[0]
    assert (asked.method, asked.path, asked.body) == ("GET", "/cgi-bin/sendsms", b"")
    receipt_url = asked.query.pop("dlr-url")
    assert asked.query == asked.query | {
        "username": LOGIN,
        "password": PASSWORD,
        "from": "MotcuaSMS",
        "to": MSISDN,
        "text": TEXT,
        "charset": "UTF-8",
        "coding": "2",
        "max-messages": "8",
        "dlr-mask": "27",
    }
    assert REFERENCE in receipt_url
    assert CALLBACK_SECRET not in receipt_url, "the secret must be escaped"
    nothing_shows(outcome)


@pytest.mark.parametrize(
    ("status", "words", "outcome", "concerns"),
    [
        (202, "3: Queued for later delivery", "accepted", "gateway"),
        (202, ECHO, "accepted", "gateway"),
        (400, "Missing receiver number, rejected", "phone", "gateway"),
        (400, "Number(s) has/have been denied by white- and/or black-lists.", "phone", "gateway"),
        (400, "Invalid charset", "configuration", "gateway"),
        (403, "Authorization failed for sendsms", "configuration", "gateway"),
        (403, f"not routable: {ECHO}", "configuration", "carrier"),
        (429, "", "transient", "gateway"),
        (503, ECHO, "transient", "gateway"),
        (200, ACCEPTED, "unknown", "gateway"),
        (302, "", "unknown", "gateway"),
        (502, ECHO, "unknown", "gateway"),
    ],
)
def test_each_answer(status, words, outcome, concerns, provider, session, nothing_shows):
    provider.answer = http(status, words)
    seen = make("kannel", f"http://127.0.0.1:{provider.port}").submit(session, outgoing())
    assert (seen.outcome, seen.http_status, seen.concerns) == (outcome, status, concerns)
    nothing_shows(seen)


def test_number_or_secret_in_an_answer_is_not_kept(provider, session, nothing_shows):
    gateway = make("kannel", f"http://127.0.0.1:{provider.port}")
    for said in (PASSWORD, CALLBACK_SECRET, *SPELLINGS):
        provider.answer = http(400, f"Receiver {said} rejected")
        seen = gateway.submit(session, outgoing())
        assert seen.outcome == "phone"
        nothing_shows(seen)


def test_capture_of_the_logs_sees_what_there_is_to_see(provider, caplog):
    """With a plain session, urllib3 logs the whole URL. So the other tests' check of the logs is able to fail."""
    caplog.set_level(logging.DEBUG, logger="urllib3")
    provider.answer = http(202, ACCEPTED)
    with requests.Session() as careless:
        make("kannel", f"http://127.0.0.1:{provider.port}").submit(careless, outgoing())
    assert "%2B84905123456" in caplog.text


def test_body_that_breaks_off_after_the_refusal_is_not_trusted(provider, session):
    """If the answer breaks off after its status, the message may have been sent, so its outcome is unknown."""
    provider.answer = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    seen = make("kannel", f"http://127.0.0.1:{provider.port}").submit(session, outgoing())
    assert (seen.outcome, seen.http_status) == ("unknown", 503)
