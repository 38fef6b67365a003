"""Test the page that a watch on another machine reads, and to which that watch posts reports (testimonies).

The page needs its secret, names no person, and answers within seconds even if the ledger hangs.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from fastapi.testclient import TestClient

from motcua.domain.phones.reading import holds_phone
from motcua.domain.restores import Later, Witness
from motcua.store.notices.gaps import last_testimony, take_testimony
from motcua.web import callbacks, ledger_looks
from tests.ground import NHA_TRANG, NOW, connection_uri, in_ledger
from tests.web.ledger_rows import LedgerRows

URL = "/gateway/watch"
WORD = "watching-word-9"
READER = {"Authorization": f"Bearer {WORD}"}
SAID = {"awake_since": NOW.isoformat(), "sees_since": NOW.isoformat(), "about": None, "later": None}


@pytest.fixture
def client(agencies, configure):
    configure(MOTCUA_METRICS_SECRET=WORD)
    with TestClient(callbacks.create_standalone(), raise_server_exceptions=False) as http:
        yield http


@pytest.mark.guarantee("callbacks", "the pages for a monitor and for a watch elsewhere need their secret")
def test_page_refuses_strangers_and_hears_none(client, configure, monkeypatch):
    for offered in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {WORD}"}):
        for answer in (client.get(URL, headers=offered), client.post(URL, headers=offered, json=SAID)):
            assert (answer.status_code, answer.text) == (401, "")
    assert client.get(f"{URL}/{WORD}").status_code == 404
    assert in_ledger(last_testimony) is None
    monkeypatch.delenv("MOTCUA_METRICS_SECRET")
    configure()
    with TestClient(callbacks.create_standalone()) as http:
        assert http.get(URL, headers=READER).status_code == 404


@pytest.mark.guarantee(
    "callbacks", "the pages for a monitor and for a watch elsewhere name no agency, dossier, number or person"
)
def test_page_tells_marks_signs_and_names_of_alerts_and_nobodys_name(client, rows):
    made = LedgerRows(rows)
    for number, state in enumerate(("queued", "accepted", "unknown")):
        made.attempt(made.message(f"D{number}", state=state), state="accepted")
    rows(
        "INSERT INTO motcua.alerts (name, subject, raised_at, facts, acknowledged_at, acknowledged_by)"
        " VALUES ('source_failing', 'khanhhoa', now(), '{}', now(), 'lan'), ('red_run', '', now(), '{}', NULL, NULL)"
    )
    answer = client.get(URL, headers=READER)
    assert answer.status_code == 200
    page = answer.json()
    assert set(page) == {"at", "marks", "watch_looked_at", "asks", "alerts"}
    assert abs(datetime.fromisoformat(page["at"]) - datetime.now(UTC)) < timedelta(seconds=30)
    assert page["marks"]["attempt_id"] >= 3
    assert (page["asks"], page["watch_looked_at"]) == (None, None)
    assert page["alerts"] == [{"name": "red_run", "subject": ""}, {"name": "source_failing", "subject": "khanhhoa"}]
    for word in (NHA_TRANG, "D1", "lan"):
        assert word not in answer.text
    assert not holds_phone(re.sub(r"[\d.:TZ+-]+", " ", answer.text))


def test_page_asks_only_about_a_sleep(client, rows):
    """The page may ask the watch on the other machine only about a pause of this server, not about a restore."""
    opened = "INSERT INTO motcua.gaps (kind, noticed_at, lost_attempts, held_messages, slept_since, held_until) VALUES"
    rows(f"{opened} ('slept', %s, 0, 0, %s, %s)", NOW, NOW - timedelta(hours=1), NOW)
    asks = client.get(URL, headers=READER).json()["asks"]
    assert datetime.fromisoformat(asks["woke_at"]) == NOW
    assert datetime.fromisoformat(asks["slept_since"]) == NOW - timedelta(hours=1)
    rows("UPDATE motcua.gaps SET kind = 'behind_watch'")
    time.sleep(1.01)
    assert client.get(URL, headers=READER).json()["asks"] is None


def test_testimony_is_kept_and_one_of_a_later_state_until_it_was_acted_on(client):
    """A report that the watch saw a later state of the ledger must stay stored until the server acted on the report."""
    assert client.post(URL, headers=READER, json=SAID).status_code == 204
    given = in_ledger(last_testimony)
    assert given is not None
    assert given.said == Witness(NOW, NOW)
    later = {"attempts": 3, "seen_at": NOW.isoformat()}
    client.post(URL, headers=READER, json={**SAID, "later": later})
    client.post(URL, headers=READER, json={**SAID, "about": NOW.isoformat()})
    given = in_ledger(last_testimony)
    assert given is not None
    assert given.said == Witness(NOW, NOW, NOW, Later(3, NOW))
    in_ledger(take_testimony)
    given = in_ledger(last_testimony)
    assert given is not None
    assert given.said == Witness(NOW, NOW)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps({**SAID, "awake_since": "yesterday"}).encode(),
        json.dumps({**SAID, "awake_since": "2026-11-25T10:00:00"}).encode(),
        json.dumps({**SAID, "about": "0001-01-01T00:00:00Z"}).encode(),
        json.dumps({**SAID, "later": {"attempts": -1, "seen_at": None}}).encode(),
        json.dumps({**SAID, "later": {"attempts": 2**31, "seen_at": None}}).encode(),
    ],
)
def test_what_is_no_testimony_is_refused(client, sent):
    assert client.post(URL, headers=READER, content=sent).status_code == 400
    assert in_ledger(last_testimony) is None


def test_ledger_that_is_away_is_said_with_its_reason(configure):
    configure(
        MOTCUA_METRICS_SECRET=WORD, AIRFLOW_CONN_MOTCUA_DB="postgres://motcua_app:secret-word@127.0.0.1:1/nothing"
    )
    with TestClient(callbacks.create_standalone()) as http:
        for answer in (http.get(URL, headers=READER), http.post(URL, headers=READER, json=SAID)):
            assert answer.status_code == 503
            assert answer.json() == {"ledger": "the ledger does not answer: OperationalError"}


def test_ledger_that_hangs_is_told_in_time(client, ledger, monkeypatch):
    monkeypatch.setattr(ledger_looks, "_OUTSIDE_WITHIN", 1.0)
    with TestClient(callbacks.create_standalone()) as http, psycopg.connect(ledger) as holding:
        holding.execute("LOCK TABLE motcua.outside_watch, motcua.attempts IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        assert http.get(URL, headers=READER).status_code == 503
        assert http.post(URL, headers=READER, json=SAID).status_code == 503
        assert time.monotonic() - began < 10
        holding.rollback()
        assert http.post(URL, headers=READER, json=SAID).status_code == 204
        time.sleep(1.1)
        assert http.get(URL, headers=READER).status_code == 200


@pytest.mark.guarantee(
    "callbacks", "the callbacks can store the reports of a watch elsewhere, and neither read nor judge them"
)
def test_callbacks_may_give_a_testimony_and_nothing_more(client, postgres, ledger):
    name = psycopg.conninfo.conninfo_to_dict(ledger)["dbname"]
    own = connection_uri(postgres.admin_dsn, "motcua_callbacks", str(name))
    with psycopg.connect(own.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute("SELECT motcua.give_testimony(now(), now(), NULL, NULL, NULL)")
        assert connection.execute("SELECT attempt_id FROM motcua.seen_from_outside()").fetchone() is not None
        for refused in (
            "SELECT * FROM motcua.outside_watch",
            "UPDATE motcua.outside_watch SET about = now()",
            "SELECT * FROM motcua.sender_life",
            "SELECT motcua.answer_gap(1, NULL, 'x', 'x', 'kannel', now())",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)
