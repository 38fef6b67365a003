"""Test the app that providers call with receipts and inquiries (the callbacks app).

The app refuses callers without the secret, stores a receipt before it applies the receipt, and logs no secret.
"""

from __future__ import annotations

import json
import threading

import psycopg
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from motcua.domain.phones.reading import holds_phone
from motcua.gateways.zalo import ZaloGateway
from motcua.jobs.notices.receiving import Intake
from motcua.store.ledger.database import connect
from motcua.store.notices.receipts import NewReceipt, save_receipts, unread_receipts
from motcua.web import callbacks
from tests.ground import in_ledger


@pytest.fixture
def client(agencies, configure):
    extra = {"adapter": "kannel", "callback_secret": "receipt-word-9"}
    configure(
        AIRFLOW_CONN_SMS_KANNEL=json.dumps({"conn_type": "http", "host": "127.0.0.1", "extra": extra}),
        AIRFLOW_CONN_SMS_OPEN=json.dumps({"conn_type": "http", "host": "127.0.0.1", "extra": {}}),
        MOTCUA_METRICS_SECRET="watching-word-9",
    )
    with TestClient(callbacks.create_standalone(), raise_server_exceptions=False) as http:
        yield http


SECRET = {"secret": "receipt-word-9"}
URL = "/gateway/receipts/kannel"


def test_app_has_only_its_routes_and_no_pages_of_documentation(client):
    paths = {route.path for route in callbacks.create_callbacks().routes if isinstance(route, APIRoute)}
    assert paths == {"/receipts/{gateway}", "/inquiries/{gateway}", "/metrics", "/health", "/watch"}
    for path in ("/docs", "/redoc", "/openapi.json", "/gateway/docs", "/gateway/openapi.json"):
        assert client.get(path).status_code == 404


@pytest.mark.guarantee("inquiries", "inquiries of callers without the right secret or signature are refused")
def test_every_route_refuses_strangers(client, rows):
    # All requests go to the same app, because a refused request changes nothing in the app.
    for route in callbacks.create_callbacks().routes:
        for method in route.methods if isinstance(route, APIRoute) and route.path != "/health" else ():
            for query in ({}, {"secret": ""}, {"secret": "wrong"}, {"secret": "receipt-word"}):
                path, given = route.path.replace("{gateway}", "kannel"), query | {"reference": "x", "status": "1"}
                answer = client.request(method, f"/gateway{path}", params=given)
                assert (answer.status_code, answer.text) == (401, ""), (path, method, query)
    assert rows("SELECT 1 FROM motcua.receipts UNION ALL SELECT 1 FROM motcua.inquiries") == []
    # A call for a gateway without a secret gets 503. An unknown gateway gets the same answer as a wrong secret.
    assert client.get("/gateway/receipts/open", params={"secret": "x"}).status_code == 503
    assert client.get("/gateway/receipts/nobody", params={"secret": "x"}).status_code == 401


def test_receipt_is_stored_and_an_unknown_reference_is_answered_200(client, rows):
    report = {"reference": "abc", "status": "8", "reply": "0905123456", "smsc_id": "7"}
    answers = [
        client.get(URL, params=report | SECRET),
        client.get(URL, params=report, headers={callbacks.SECRET_HEADER: SECRET["secret"]}),
        client.post(URL, data=report, params=SECRET),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    kept = rows("SELECT reference, gateway_status, raw::text FROM motcua.receipts")
    assert [(row["reference"], row["gateway_status"]) for row in kept] == [("abc", "8")] * 3
    for row in kept:
        assert "0905123456" not in row["raw"]
        assert "receipt-word" not in row["raw"]


def test_signature_is_looked_for_in_the_header_that_the_adapter_declares(client, monkeypatch, rows):
    monkeypatch.setattr(ZaloGateway, "receipts_signed_in", "x-checksum")
    monkeypatch.setattr(ZaloGateway, "receipt_is_signed", lambda _, call: call.headers.get("x-checksum") == "right")
    extra = {"adapter": "zalo", "app_id": "app", "webhook_secret": "webhook-word-9", "callback_secret": "word-9"}
    monkeypatch.setenv("AIRFLOW_CONN_SMS_ZALO", json.dumps({"conn_type": "http", "host": "127.0.0.1", "extra": extra}))
    url, body = "/gateway/receipts/zalo", json.dumps({"event_name": "user_received_message"})
    for headers in ({}, {"X-Checksum": "wrong"}, {callbacks.SECRET_HEADER: "word-9"}):
        assert client.post(url, content=body, headers=headers).status_code == 401
    assert client.post(url, content=body, headers={"X-Checksum": "right"}).status_code == 200
    assert rows("SELECT gateway_status FROM motcua.receipts") == [{"gateway_status": "user_received_message"}]


def test_no_hostile_report_causes_an_internal_error(client):
    for query, status in (
        ({"reference": "x" * 20000}, 413),
        ({f"f{n}": "1" for n in range(99)}, 400),
        ({"reference": "a\x00b", "status": "\x00"}, 200),
        ({"reference": "\ufffd\U0001f4a3", "status": "1"}, 200),
        ({"status": "99999999999999999999"}, 200),
        ({}, 200),
    ):
        assert client.get(URL, params=query | SECRET).status_code == status
    assert client.post(URL, content=b"x" * 100_000, params=SECRET).status_code == 413


NUMBERS = ["0905123456", "+84 905-123-456", "0905/123/456", "０９０５１２３４５６", "٠٩٠٥١٢٣٤٥٦"]


@pytest.mark.guarantee(
    "callbacks",
    "a stored receipt has our own reference and no phone number; auditors see no number of an older receipt",
)
def test_number_in_a_receipt_is_masked_wherever_it_stands_and_shown_to_no_auditor(client, rows):
    asked = [(field, number) for field in ("reference", "status", "reply", "smsc_id") for number in NUMBERS]
    for field, number in asked:
        assert client.get(URL, params={"status": "2", field: f"x {number}"} | SECRET).status_code == 200
    receipts = rows(
        "SELECT concat(r.reference, r.gateway_status, r.raw) AS words, concat(a.reference, a.gateway_status) AS audited"
        " FROM motcua.receipts AS r JOIN audit.receipts AS a USING (receipt_id) ORDER BY receipt_id"
    )
    for (field, number), kept in zip(asked, receipts, strict=True):
        assert not holds_phone(kept["words"]), number
        assert "0905***456" in kept["words"] or "…" in kept["words"], number
        assert ("0905***456" in kept["audited"]) == (field in ("reference", "status")), number
    for number in NUMBERS:
        rows(
            "INSERT INTO motcua.receipts (gateway, reference, gateway_status, raw) VALUES ('old', %s, %s, '{}')",
            *(number, f"to {number}"),
        )
        hidden = "+***" if number[0] == "+" else "***"
        shown = "SELECT reference, gateway_status FROM audit.receipts ORDER BY receipt_id DESC LIMIT 1"
        assert rows(shown) == [{"reference": hidden, "gateway_status": f"to {hidden}"}]


@pytest.mark.guarantee(
    "callbacks",
    "a stored receipt has our own reference and no phone number; auditors see no number of an older receipt",
)
def test_own_reference_is_kept_though_its_digits_look_like_a_number(client, rows):
    """Our reference of an attempt must not be masked as a phone number, or its receipt would find no message."""
    ours = "0905123456" + "a" * 22
    assert client.get(URL, params={"reference": ours, "status": "1"} | SECRET).status_code == 200
    assert rows("SELECT reference FROM audit.receipts") == [{"reference": ours}]


def test_failure_of_a_receipt_is_logged_without_what_it_held(client, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("0905123456")

    monkeypatch.setattr(Intake, "take", fail)
    assert client.get(URL, params={"reference": "abc", "status": "1"} | SECRET).status_code == 500
    assert "A delivery receipt of gateway kannel could not be processed: RuntimeError" in caplog.text
    assert not any(word in caplog.text for word in ("Traceback", "0905123456"))


def test_app_ends_with_all_its_threads(client):
    """The app must end all its threads, or the process does not stop."""
    before = set(threading.enumerate())
    with TestClient(callbacks.create_standalone()) as http:
        assert http.get(URL, params={"reference": "abc", "status": "1"} | SECRET).status_code == 200
        names = {thread.name.rpartition("_")[0] for thread in set(threading.enumerate()) - before}
        assert names >= {"gateway address", "inquiry", "receipts"}
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive(), thread.name


def test_report_that_cannot_be_read_is_kept_and_read_later(client, rows, monkeypatch):
    """A receipt must be stored before it is applied, so that an error loses no receipt."""
    from motcua.jobs.notices import receiving

    with monkeypatch.context() as broken:
        broken.setattr(receiving, "_read_receipts", lambda *_: 1 / 0)
        assert client.get(URL, params={"reference": "abc", "status": "1"} | SECRET).status_code == 500
    assert len(rows("SELECT 1 FROM motcua.receipts")) == 1
    assert receiving.read_left_over_receipts() == 1
    assert rows("SELECT effect FROM motcua.receipt_readings") == [{"effect": "unknown_reference"}]


@pytest.mark.guarantee(
    "rights",
    "the callbacks' role cannot queue a message; only a run applies a receipt after which a message is sent again",
)
def test_report_that_a_message_never_arrived_is_kept_and_read_by_the_next_run(client, rows):
    from motcua.jobs.notices.receiving import read_left_over_receipts

    # With the reply NACK/no SMSC, Kannel reports that it has no route to the number.
    for reply in ("NACK/no SMSC", "NACK/no SMSC", "id:1"):
        asked = {"reference": "abc", "status": "16" if "NACK" in reply else "1", "reply": reply}
        assert client.get(URL, params=asked | SECRET).status_code == 200
    assert len(rows("SELECT 1 FROM motcua.receipts")) == 3
    assert rows("SELECT meaning FROM motcua.receipt_readings") == [{"meaning": "delivered"}]
    assert read_left_over_receipts() == 2
    assert [row["meaning"] for row in rows("SELECT meaning FROM motcua.receipt_readings ORDER BY meaning")] == [
        "absent",
        "absent",
        "delivered",
    ]


@pytest.mark.guarantee(
    "receipts", "a receipt that cannot be applied stays stored and unread, and delays no receipt of another gateway"
)
def test_receipts_of_a_gateway_that_is_gone_keep_no_other_gateways_waiting(client, rows):
    from motcua.jobs.notices.receiving import read_left_over_receipts

    with connect() as connection:
        save_receipts(connection, [NewReceipt("gone", f"old {number}", "1", {}) for number in range(1_500)])
        save_receipts(connection, [NewReceipt("kannel", f"new {number}", "1", {}) for number in range(3)])
        connection.commit()
    assert read_left_over_receipts() == 3
    read = rows("SELECT r.gateway FROM motcua.receipt_readings JOIN motcua.receipts AS r USING (receipt_id)")
    assert [row["gateway"] for row in read] == ["kannel"] * 3
    assert read_left_over_receipts() == 0


@pytest.mark.guarantee(
    "receipts", "a stored receipt counts as unread until a process has applied it, whatever crashes meanwhile"
)
def test_receipt_waits_to_be_read_from_its_storing_to_its_reading_whoever_wrote_either(agencies, rows):
    """A receipt that leaves the list of unread receipts too early is never applied to its message.

    A reading is the record that a receipt was applied. The test also covers readings that are inserted by SQL, a
    rollback, and two readers at the same time.
    """

    def waiting():
        return [receipt.receipt_id for receipt in in_ledger(unread_receipts)]

    report = NewReceipt("kannel", "abc", "1", {})
    with connect() as connection:
        first, second, third = save_receipts(connection, [report, report, report])
        connection.rollback()
        assert waiting() == []
        first, second, third = save_receipts(connection, [report, report, report])
        connection.commit()
    assert waiting() == [first, second, third]
    reading = "INSERT INTO motcua.receipt_readings (receipt_id, meaning, effect) VALUES (%s, 'pending', 'no_change')"
    with connect() as one, connect() as other:
        one.execute(reading, (first,))
        other.execute(reading, (third,))
        assert waiting() == [first, second, third]
        one.commit()
        other.rollback()
    assert waiting() == [second, third]
    rows(reading, second)
    assert waiting() == [third]
    assert rows("SELECT receipt_id FROM motcua.unread_receipts") == [{"receipt_id": third}]
    with connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM motcua.unread_receipts")
