"""Test the page for Prometheus: it needs its secret, agrees with the ledger, and names no person."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from motcua.domain.phones.reading import holds_phone
from motcua.store.watching import metrics
from motcua.web import callbacks
from tests.ground import NHA_TRANG, in_ledger
from tests.web.ledger_rows import LedgerRows

URL = "/gateway/metrics"
WORD = "watching-word-9"
READER = {"Authorization": f"Bearer {WORD}"}


@pytest.fixture
def client(agencies, configure):
    configure(MOTCUA_METRICS_SECRET=WORD)
    with TestClient(callbacks.create_standalone(), raise_server_exceptions=False) as http:
        yield http


def figures(text):
    """Return the page's figures. A figure's key is its name and its labels' values, in order of the labels' names."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Kept:
    """Inserts messages with a given age and state and without a time of acceptance."""

    def __init__(self, rows) -> None:
        self.run, self.made = rows, LedgerRows(rows)
        self._codes = (f"D{number}" for number in range(100))

    def message(self, state: str, ago: timedelta, kind: str = "apology") -> int:
        number = self.made.message(next(self._codes), kind=kind, state=state, at=datetime.now(UTC) - ago)
        self.run("UPDATE motcua.messages SET accepted_at = NULL WHERE message_id = %s", number)
        return number


@pytest.fixture
def kept(rows, client):
    return Kept(rows)


@pytest.mark.guarantee("callbacks", "the pages for a monitor and for a watch elsewhere need their secret")
def test_page_refuses_strangers_and_is_not_there_where_no_secret_is_set(client, configure, monkeypatch):
    for offered in (
        {},
        *({"Authorization": written} for written in ("", "Bearer", "Bearer wrong", f"Basic {WORD}", WORD)),
        {callbacks.SECRET_HEADER: WORD},
    ):
        answer = client.get(URL, headers=offered)
        assert (answer.status_code, answer.text) == (401, "")
        assert client.get(URL, params={"secret": WORD}, headers=offered).status_code == 401
    for secret in ("", None):
        monkeypatch.delenv("MOTCUA_METRICS_SECRET", raising=False)
        configure(**({} if secret is None else {"MOTCUA_METRICS_SECRET": secret}))
        with TestClient(callbacks.create_standalone()) as http:
            for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}, READER):
                assert http.get(URL, headers=headers).status_code == 404


def test_page_tells_what_waits_what_is_in_doubt_and_what_is_stopped(client, kept):
    minutes = timedelta(minutes=1)
    kept.message("queued", 5 * minutes)
    kept.message("queued", 20 * minutes, kind="reply")
    kept.message("accepted", 1 * minutes)
    kept.made.attempt(kept.message("unknown", 30 * minutes), state="unknown", at=datetime.now(UTC) - 25 * minutes)
    kept.run(
        "INSERT INTO motcua.receipts (gateway, received_at, raw) VALUES ('kannel', now() - interval '9 min', '{}')"
    )
    kept.run("INSERT INTO motcua.unread_receipts SELECT receipt_id FROM motcua.receipts")
    kept.run(
        "INSERT INTO motcua.gateway_stops (gateway, concerns, subject, stopped_at, until, reason, by_hand)"
        " VALUES ('kannel', 'carrier', 'viettel', now(), now() + interval '1 hour', 'refused', FALSE)"
    )
    kept.run("UPDATE motcua.sources SET picked_up_at = now() - interval '7 min', failed_at = now(), failure = 'away'")
    answer = client.get(URL, headers=READER)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = figures(answer.text)
    assert found["motcua_ledger_up",] == 1
    assert found["motcua_messages_open", "apology", "queued"] == 1
    assert found["motcua_messages_open", "reply", "queued"] == 1
    assert found["motcua_messages_open", "apology", "accepted"] == 1
    assert found["motcua_messages_open", "apology", "unknown"] == 1
    assert found["motcua_messages_open", "result", "sending"] == 0
    ages = {
        ("motcua_queue_oldest_seconds",): 20,
        ("motcua_queue_overdue_seconds",): 20,
        ("motcua_unknown_oldest_seconds", "kannel"): 25,
        ("motcua_receipts_unread_oldest_seconds",): 9,
        ("motcua_source_read_age_seconds", "mot_cua"): 7,
    }
    for name, expected in ages.items():
        assert expected * 60 <= found[name] < expected * 60 + 60, name
    assert found["motcua_unknown_messages", "kannel"] == 1
    assert found["motcua_receipts_unread",] == 1
    assert found["motcua_source_failing", "mot_cua"] == 1
    assert found["motcua_gateway_stops", "carrier", "kannel"] == 1
    assert found["motcua_gateway_stops", "gateway", "kannel"] == 0


def test_page_tells_how_fast_and_whether_the_accounting_balances(client, kept):
    """The accounting identity must count both messages as a surplus, because the ledger has no events for them."""
    kept.message("delivered", timedelta(seconds=1))
    kept.message("delivered", timedelta(seconds=1), kind="reply")
    found = figures(client.get(URL, headers=READER).text)
    assert found["motcua_identity_difference",] == 2
    assert found["motcua_messages_today", "reply", "delivered"] == 1
    assert found["motcua_acceptance_messages",] == 0
    assert not any(name[0] == "motcua_acceptance_seconds" for name in found), (
        "without a message there must be no latency"
    )


def test_latency_is_told_of_messages_that_went_straight_through(client, kept):
    """The page must compute the latency from messages that were accepted at their first attempt."""
    for seconds in (1, 2, 3):
        message = kept.message("delivered", timedelta(minutes=seconds), kind="result")
        kept.run(
            "WITH t AS (INSERT INTO motcua.transitions (source_id, source_transition_id, dossier_id, sequence,"
            " status_code, at_one_stop_desk, occurred_at, recorded_at, picked_up_at, planned_at, outcome, message_id)"
            " SELECT d.source_id, m.message_id, d.dossier_id, m.message_id, 9, TRUE, m.recorded_at, m.recorded_at,"
            " m.recorded_at, m.recorded_at, 'message', m.message_id"
            " FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id)"
            f" WHERE m.message_id = {message} RETURNING transition_id)"
            f" UPDATE motcua.messages SET attempts_made = 1, accepted_at = recorded_at + interval '{seconds} s',"
            f" transition_id = (SELECT transition_id FROM t) WHERE message_id = {message}"
        )
    found = figures(client.get(URL, headers=READER).text)
    assert found["motcua_acceptance_messages",] == 3
    assert found["motcua_acceptance_seconds", "p50"] == 2
    assert found["motcua_identity_difference",] == 0


@pytest.mark.guarantee(
    "callbacks", "the pages for a monitor and for a watch elsewhere name no agency, dossier, number or person"
)
def test_page_names_no_agency_no_dossier_and_no_number(client, kept):
    for state in ("queued", "accepted", "unknown", "delivered", "undelivered"):
        kept.message(state, timedelta(minutes=3))
    kept.run("UPDATE motcua.sources SET picked_up_at = now()")
    text = client.get(URL, headers=READER).text
    labels = set(re.findall(r'(\w+)="', text))
    assert labels == {"kind", "state", "gateway", "concerns", "source", "check", "severity"}
    assert NHA_TRANG not in text
    assert "D1" not in text
    assert not holds_phone(re.sub(r"[\d.e+-]+\n", "\n", text))


def test_silent_ledger_is_a_figure(configure):
    """While the ledger is down, the page must show only the figure motcua_ledger_up 0, and no password."""
    configure(
        MOTCUA_METRICS_SECRET=WORD, AIRFLOW_CONN_MOTCUA_DB="postgres://motcua_app:secret-word@127.0.0.1:1/nothing"
    )
    with TestClient(callbacks.create_standalone()) as http:
        answer = http.get(URL, headers=READER)
    assert answer.status_code == 200
    assert figures(answer.text) == {("motcua_ledger_up",): 0}
    assert "secret-word" not in answer.text


def test_many_readers_cost_one_reading_and_two_connections(client, kept, rows, monkeypatch):
    """Many simultaneous requests of a monitor must not multiply the queries to the ledger."""
    read = []
    true = metrics.identity
    monkeypatch.setattr(metrics, "identity", lambda *given: read.append(1) or true(*given))
    with ThreadPoolExecutor(10) as readers:
        answers = list(readers.map(lambda _: client.get(URL, headers=READER).status_code, range(50)))
    assert set(answers) == {200}
    assert len(read) == 1
    names = [thread.name for thread in threading.enumerate() if thread.name.startswith("ledger ")]
    assert len(names) == 2


def test_days_that_take_long_are_told_from_before_and_hold_up_nothing(client, kept, monkeypatch):
    """The page must wait only a few seconds for a slow query of recent days.

    Figures that come later are shown when the page is read the next time.
    """
    from motcua.web import ledger_looks

    kept.message("queued", timedelta(minutes=5))
    monkeypatch.setattr(ledger_looks, "_WAIT_FOR_RECENT", 0.0)
    found = figures(client.get(URL, headers=READER).text)
    assert found["motcua_messages_open", "apology", "queued"] == 1
    assert ("motcua_identity_difference",) not in found
    monkeypatch.setattr(ledger_looks, "_WAIT_FOR_RECENT", 5.0)
    assert ("motcua_identity_difference",) in figures(client.get(URL, headers=READER).text)


def test_figures_of_an_empty_ledger_are_all_there(agencies):
    """A monitor must get zeros from an empty ledger: a figure that is missing raises no alert."""
    gauges = in_ledger(metrics.open_gauges, datetime.now(UTC)) + in_ledger(metrics.recent_gauges, datetime.now(UTC))
    told = {gauge.name: gauge.samples for gauge in gauges}
    assert told["motcua_receipts_unread"] == {(): 0}
    assert told["motcua_queue_overdue_seconds"] == {(): 0}
    assert told["motcua_identity_difference"] == {(): 0}
    assert told["motcua_source_failing"] == {}
