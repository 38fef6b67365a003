"""Test guarantees of every gateway adapter, whatever a provider, or a proxy in front of the provider, answers."""

from __future__ import annotations

import gzip
import re
import ssl
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motcua.domain.routing import Meaning
from motcua.gateways import open_gateway
from motcua.gateways.adapter import (
    GatewayAnswer,
    GatewayCall,
    InquiryReading,
    ReceiptReading,
    SentAttempt,
)
from motcua.gateways.exchange import LONGEST_BODY
from motcua.jobs.notices.sending.request_slots import http_session
from motcua.sandbox.network.scripted import ScriptedGateway, http, in_json
from tests.gateways.conftest import ECHO, MSISDN, PASSWORD, REFERENCE, TEXT, adapter_classes, make, outgoing

ADAPTERS = sorted(adapter_classes())
DOCUMENT = Path(__file__).parents[2] / "docs" / "gateways.md"
every_adapter = pytest.mark.parametrize("adapter", ADAPTERS)
ATTEMPTS = [
    SentAttempt(REFERENCE, "d533459ee42b2b9525ba9eabf6a8156", MSISDN, datetime(2026, 11, 25, 3, tzinfo=UTC)),
    SentAttempt(REFERENCE, None, MSISDN, datetime(2026, 11, 25, 10, tzinfo=timezone(timedelta(hours=7)))),
]


def test_connections_in_the_documents_open(monkeypatch):
    examples = re.findall(r"^(AIRFLOW_CONN_SMS_(\w+))='(\{.+?\})'$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert {name.lower() for _, name, _ in examples} == set(ADAPTERS)
    for variable, name, connection in examples:
        monkeypatch.setenv(variable, connection)
        gateway = open_gateway(name.lower())
        assert type(gateway) is adapter_classes()[name.lower()]
        assert gateway.address.base_url.startswith(("https://", "http://"))


GZIP_BOMB = gzip.compress(b" " * (64 * LONGEST_BODY))
AFTER_THE_REQUEST_LEFT = {
    "reset": "reset",
    "no answer": "hang",
    "an answer without an end": "drip",
    "closed without a word": b"",
    "not HTTP": b"220 mail.example ESMTP\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{",
    "a head of garbage": b"HTTP/1.1 200 OK\r\n\xff\xfe\x00: \r\n: \r\nContent-Length: x\r\n\r\n{}",
    "broken chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "gzip that is none": http(200, b"\x1f\x8bnone", Content_Encoding="gzip"),
    "a bomb": http(200, GZIP_BOMB, Content_Encoding="gzip"),
    "a flood": "flood",
    "gigantic": http(200, b"x" * (3 * LONGEST_BODY)),
    "a page": http(200, f"<html><body>{ECHO}</body></html>", Content_Type="text/html"),
    "broken JSON": http(200, '{"CodeResult": "100", "RPLY": {"ERROR": "0"', Content_Type="application/json"),
    "JSON of another shape": in_json(["100", {"RPLY": "0"}]),
    "JSON without a code": in_json({"RPLY": None, "echo": ECHO}),
    "brackets in brackets": http(200, "[" * 200_000, Content_Type="application/json"),
    "a charset that is none": http(200, TEXT, Content_Type="text/plain; charset=x-none"),
    "a charset that decodes nothing": http(200, TEXT, Content_Type="text/plain; charset=undefined"),
    "UTF-16": http(200, f'{{"echo": "{ECHO}"}}'.encode("utf-16"), Content_Type="application/json"),
    "a redirect": http(302, ECHO, Location="/elsewhere"),
    "a redirect to nowhere": http(307, b"", Location="http://[::1"),
    "500": http(500, ECHO),
    "500 that says it was taken": in_json({"CodeResult": "100", "RPLY": {"ERROR": "0"}}, 500),
    "500 that says it was refused": in_json({"CodeResult": "103", "RPLY": {"ERROR": "20"}}, 500),
    "a status of its own": http(299, "nothing is known"),
    "a code of its own": in_json({"CodeResult": "84905123456", "RPLY": {"ERROR": 84905123456}}),
}


@every_adapter
@pytest.mark.parametrize("what", AFTER_THE_REQUEST_LEFT)
def test_whatever_comes_after_the_request_was_sent_is_unknown_and_in_no_log(
    adapter, what, provider, session, nothing_shows
):
    provider.answer = AFTER_THE_REQUEST_LEFT[what]
    gateway = make(adapter, f"http://127.0.0.1:{provider.port}")
    outcome = gateway.submit(session, outgoing())
    assert outcome.outcome == "unknown", outcome
    assert len(provider.asked) == 1, "the request must not be repeated, nor a redirect followed"
    readings = [gateway.ask(session, attempt) for attempt in ATTEMPTS]
    assert readings == [None, None]
    assert gateway.can_be_asked or len(provider.asked) == 1
    nothing_shows(outcome, readings)


@every_adapter
def test_refusals_of_http_itself_stop_the_gateway_and_a_request_too_many_waits(
    adapter, provider, session, nothing_shows
):
    gateway = make(adapter, f"http://127.0.0.1:{provider.port}")
    for status in (400, 403, 404):
        provider.answer = http(status, ECHO)
        outcome = gateway.submit(session, outgoing())
        assert (outcome.outcome, outcome.concerns, outcome.http_status) == ("configuration", "gateway", status)
        nothing_shows(outcome)
    provider.answer = http(429, "", Retry_After="17")
    outcome = gateway.submit(session, outgoing())
    assert (outcome.outcome, outcome.retry_after) == ("transient", 17.0)


@every_adapter
@pytest.mark.parametrize("retry_after", ["nan", "-3", "1e99"])
def test_wait_in_a_retry_after_header_is_bounded(adapter, retry_after, provider, session):
    provider.answer = http(429, "", Retry_After=retry_after)
    outcome = make(adapter, f"http://127.0.0.1:{provider.port}").submit(session, outgoing())
    assert outcome.retry_after is None or 0 <= outcome.retry_after <= 3600


@every_adapter
def test_failed_connection_is_a_transient_failure(adapter, provider, session, nothing_shows):
    provider.close()
    gateway = make(adapter, f"http://127.0.0.1:{provider.port}")
    outcomes = [
        gateway.submit(session, outgoing()),
        make(adapter, "http://no-such-host.invalid").submit(session, outgoing()),
    ]
    assert outcomes == [GatewayAnswer("transient", code="no connection")] * 2
    assert [gateway.ask(session, attempt) for attempt in ATTEMPTS] == [None, None]
    nothing_shows(outcomes)


@every_adapter
@pytest.mark.parametrize("base_url", ["gopher://sms.example", "http://[::1"])
def test_invalid_address_is_a_configuration_error(adapter, base_url, session, nothing_shows):
    outcome = make(adapter, base_url).submit(session, outgoing())
    assert outcome.outcome == "configuration"
    nothing_shows(outcome)


def tls_context(folder: Path) -> ssl.SSLContext:
    """Return a server's TLS context with a self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1))  # noqa: DTZ001 - the library takes times without a zone
        .not_valid_after(datetime(2040, 1, 1))  # noqa: DTZ001
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@every_adapter
def test_failed_handshake_is_a_configuration_error_since_nothing_was_written(adapter, provider, session, tmp_path):
    untrusted = ScriptedGateway(tls=tls_context(tmp_path))
    provider.answer = "greet"
    try:
        for port in (untrusted.port, provider.port):
            outcome = make(adapter, f"https://127.0.0.1:{port}").submit(session, outgoing())
            assert outcome == GatewayAnswer("configuration", code="TLS")
        assert untrusted.asked == []
    finally:
        untrusted.close()


@every_adapter
def test_words_of_the_message_do_not_decide_what_a_lost_connection_means(adapter, provider, session):
    """A message's text must not change how an error is classified. Errors of urllib3 may quote a URL with the text."""
    provider.answer = "reset"
    text = "NewConnectionError NameResolutionError CERTIFICATE_VERIFY_FAILED"
    gateway = make(adapter, f"http://127.0.0.1:{provider.port}")
    assert (
        gateway.submit(session, outgoing(text=text, values={"dossier_code": text, "agency_name": text})).outcome
        == "unknown"
    )


@every_adapter
def test_connection_is_used_again(adapter, provider, session):
    provider.answer = http(202, "0: Accepted for delivery")
    gateway = make(adapter, f"http://127.0.0.1:{provider.port}")
    for _ in range(3):
        gateway.submit(session, outgoing())
    assert (len(provider.asked), provider.connections) == (3, 1)


@every_adapter
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    # Leave out random answers that begin like HTTP, because such an answer may rightly say that the message was sent.
    answer=st.binary(max_size=400).filter(lambda answer: not answer.lstrip().startswith(b"HTTP/"))
    | st.binary(max_size=200).map(lambda body: http(200, body))
)
def test_no_answer_makes_an_adapter_raise_or_take_a_message_for_sent(adapter, answer, provider):
    provider.answer = answer
    gateway = make(adapter, f"http://127.0.0.1:{provider.port}")
    with http_session() as session:
        assert gateway.submit(session, outgoing()).outcome == "unknown"
        assert [gateway.ask(session, attempt) for attempt in ATTEMPTS] == [None, None]


FIELDS = st.dictionaries(
    st.text(max_size=12)
    | st.sampled_from(["status", "reference", "RequestId", "SMSID", "SendStatus", "SendSuccess", "sender", "sign"]),
    st.text(max_size=40) | st.integers().map(str),
    max_size=8,
)


@every_adapter
@settings(max_examples=150, deadline=None)
@given(fields=FIELDS)
def test_reports_and_inquiries_of_any_shape_are_read_without_raising(adapter, fields):
    gateway = make(adapter, "http://127.0.0.1:1")
    reading = gateway.read_receipt(GatewayCall(fields))
    assert isinstance(reading, ReceiptReading)
    assert reading.meaning in get_args(Meaning)
    assert gateway.meaning_of(reading.gateway_status) == reading.meaning, (
        "a stored status is read again with the same meaning"
    )
    inquiry = gateway.read_inquiry(GatewayCall(fields))
    assert isinstance(inquiry, InquiryReading)
    assert gateway.inquiry_is_signed(GatewayCall(fields)) in (True, False, None)
    assert gateway.form_reply(inquiry, TEXT, True).body


@every_adapter
def test_report_keeps_no_number_no_word_and_no_secret(adapter, nothing_shows):
    names = ("SMSID", "SendStatus", "SendFailed", "TotalPrice", "telcoid", "error_info", "switchsmsid", "status")
    fields: dict[str, Any] = dict.fromkeys(names, ECHO)
    fields |= {"reference": REFERENCE, "RequestId": REFERENCE, "phonenumber": MSISDN, "secret": PASSWORD}
    fields |= {"reply": f"stat:UNDELIV to 0905 123 456 text:{TEXT}"}
    gateway = make(adapter, "http://127.0.0.1:1")
    nothing_shows(gateway.read_receipt(GatewayCall(fields)).raw)
    for value in ("84905123456", "0905123456", "905123456"):
        nothing_shows(gateway.read_receipt(GatewayCall(dict.fromkeys(fields, value))).raw)
