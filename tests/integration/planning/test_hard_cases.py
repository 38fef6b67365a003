"""Test rare cases that could lose, double or falsify a message, or show a citizen's data."""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial

import psycopg
import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.picking_up import SourceFailed, pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending import sender
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.tasks.notify_transitions import send_messages
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.store.ledger.database import DatabaseFailed, open_connection
from motcua.store.ledger.provisioning import with_database
from motcua.store.notices import attempts as att
from motcua.store.notices import messages as ms
from motcua.store.notices.gateways import ensure_gateway
from motcua.store.notices.messages import Departing, begin_sending
from motcua.store.notices.receipts import NewReceipt, ReadReceipt, apply_receipts, save_receipts
from tests.ground import (
    NOW,
    TU_PHAP,
    OneStop,
    gateway_connection,
    in_ledger,
    queue_results,
    reference_of,
    report,
    send_at,
    states,
    take_in,
    until,
)
from tests.integration.tls.terminator import Authority

MINUTE = timedelta(minutes=1)


def at_desk(one_stop, at, **kw):
    one_stop.dossier(status_code=9, at_one_stop_desk=True, updated_at=at, **kw)


def test_error_that_quotes_a_value_is_told_without_it(one_stop, rows):
    """An error of a source that quotes a citizen's data is reported without these data."""
    one_stop.dossier(applicant_phone="0905 123 456 chi Lan")
    one_stop.connection.execute("ALTER TABLE onestop.dossiers RENAME TO d0")
    cols = (
        "dossier_code, agency_code, procedure_code, procedure_name, field_name, applicant_name,"
        " applicant_phone::bigint::text AS applicant_phone, phone_entered_at, submitted_via, received_at, due_at,"
        " step_name, status_code, at_one_stop_desk, finished_at, returned_at, updated_at"
    )
    one_stop.connection.execute(f"CREATE VIEW onestop.dossiers AS SELECT {cols} FROM onestop.d0")
    with pytest.raises(SourceFailed) as f:
        pick_up("khanhhoa", now=NOW)
    assert "Lan" not in str(f.value), str(f.value)


def second_source(postgres, configure, one_stop):
    name = postgres.fresh_database("template0", "onestop")
    parts = psycopg.conninfo.conninfo_to_dict(postgres.admin_dsn)
    uri = f"postgres://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"
    configure(MOTCUA_SOURCES="khanhhoa,other", AIRFLOW_CONN_ONESTOP_OTHER=uri)
    return OneStop(with_database(postgres.admin_dsn, name))


@pytest.mark.guarantee(
    "once", "the pick-up of a hanging source ends after 30 s, or 35 s if it ignores the limit; other sources go on"
)
def test_source_that_hangs_in_mid_reading_holds_up_no_other_and_no_second_run(postgres, one_stop, rows, configure):
    other = second_source(postgres, configure, one_stop)
    one_stop.both(9)
    take_in()
    pick_up("other", now=NOW)
    one_stop.connection.execute("ALTER TABLE onestop.transitions RENAME TO t0")
    one_stop.connection.execute(
        "CREATE VIEW onestop.transitions AS SELECT t0.* FROM onestop.t0 CROSS JOIN LATERAL (SELECT pg_sleep(15)) AS s"
    )
    one_stop.dossier("N")
    other.both(9, "Y", TU_PHAP)
    asleep = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    with ThreadPoolExecutor(2) as pool:
        hanging = pool.submit(pick_up, "khanhhoa", now=NOW + MINUTE)
        until(lambda: one_stop.connection.execute(asleep).fetchone())
        assert pool.submit(pick_up, "other", now=NOW + MINUTE).result(6).transitions == 1
        pool.submit(pick_up, "khanhhoa", now=NOW + MINUTE).result(6)
        assert not hanging.done(), "the first source must hang for the whole test"
        one_stop.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(SourceFailed):
            hanging.result()
    other.connection.close()


def test_messages_stay_queued_at_a_gateway_with_a_bad_certificate(one_stop, configure, rows, tmp_path):
    stranger = Authority("nobody we know").certificate("127.0.0.1", tmp_path)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(stranger.chain, stranger.key)
    with closing(ScriptedGateway(tls=ours)) as untrusted:
        connection = json.loads(gateway_connection(untrusted.port)) | {"schema": "https"}
        configure(AIRFLOW_CONN_SMS_KANNEL=json.dumps(connection))
        queue_results(one_stop, 30)
        send_at()
    assert {state for state, _ in states(rows)} == {"queued"}


@pytest.mark.guarantee("once", "when a sender fails, the answers to its requests in flight are awaited and written")
def test_failure_while_sending_keeps_the_answers_in_flight(one_stop, gateway, rows, monkeypatch):
    queue_results(one_stop, 12)
    monkeypatch.setattr(sender, "_CHECK_NEWS_EVERY", timedelta(0))
    monkeypatch.setattr(sender, "_CHECK_WHEN_IDLE_EVERY", 0)
    gateway.before_answer = lambda q: time.sleep(0.05 if len(gateway.asked) < 4 else 0.3)

    class Catch:
        is_over = True

        def __call__(self):
            if len(gateway.asked) >= 3:
                raise psycopg.OperationalError("planning failed")
            return False

    with pytest.raises(psycopg.OperationalError):
        send("run", catch_up=Catch(), clock=lambda: NOW)
    assert 3 <= len(gateway.asked) < 12, (
        "the sender must fail while some requests are in flight and other messages wait"
    )
    send_at(NOW + 10 * MINUTE)
    assert {s for s, _ in states(rows)} == {"accepted"}, states(rows)
    assert len(gateway.asked) == 12


@pytest.mark.usefixtures("useful_for_years")
@pytest.mark.guarantee(
    "receipts", "a receipt that cannot be applied stays stored and unread, and delays no receipt of another gateway"
)
def test_receipt_that_cannot_be_applied_stays_unread_and_stops_nothing(one_stop, gateway, rows):
    queue_results(one_stop, 2)
    send_at()
    first, second = (reference_of(rows, number) for number in (0, 1))
    rows(f"ALTER TABLE motcua.attempts ADD CONSTRAINT fails CHECK (reference <> '{first}' OR state <> 'delivered')")
    with pytest.raises(psycopg.errors.CheckViolation):
        report(first, "1")
    report(second, "1")
    one_stop.both(9, "D-2", at=NOW + MINUTE)
    take_in(NOW + MINUTE)
    send_messages("run", EVERYTHING)
    assert states(rows) == [("accepted", None), ("delivered", None), ("accepted", None)]
    unread = (
        "SELECT reference FROM motcua.receipts LEFT JOIN motcua.receipt_readings USING (receipt_id)"
        " WHERE effect IS NULL"
    )
    assert rows(unread) == [{"reference": first}]
    rows("ALTER TABLE motcua.attempts DROP CONSTRAINT fails")
    send_messages("next run", EVERYTHING)
    assert rows(unread) == []
    assert states(rows)[0] == ("delivered", None)


def test_receipt_while_a_failed_answer_is_being_written_counts(one_stop, gateway, rows):
    """A delivery receipt that arrives while a failed answer is being written must prevent a second text."""
    queue_results(one_stop)
    mid = rows("SELECT message_id FROM motcua.messages")[0]["message_id"]
    v = Departing(mid, "r1", "+84905123000", "Mobifone", 1)
    in_ledger(ensure_gateway, "kannel")
    in_ledger(begin_sending, [v])
    in_ledger(att.save_attempts, [v], gateway="kannel", sender_id=5, run_id="x", now=NOW)
    w = open_connection()
    ms.apply_outcomes(w, [ms.MessageOutcome(mid, "queued", "gateway_busy", NOW, NOW + MINUTE)])
    att.apply_outcomes(w, [att.AttemptOutcome("r1", "failed", "transient", None, 503, "", None, NOW, None)])
    t = threading.Thread(target=report, args=("r1", "1"))
    t.start()
    time.sleep(1)
    w.commit()
    w.close()
    t.join()
    send_at(NOW + timedelta(days=5))
    assert states(rows)[0][0] == "delivered", (states(rows), rows("SELECT state FROM motcua.attempts"))


def test_no_library_logs_the_address_of_a_request(one_stop, gateway, rows, caplog):
    """A request's URL contains the phone number and the gateway's password, so no log must contain the URL."""
    gateway.answer = b"HTTP/1.1 202 Accepted\r\nServer Kannel/1.4\r\nContent-Length: 2\r\n\r\nok"
    queue_results(one_stop)
    with caplog.at_level(logging.INFO):
        send_at()
    assert "905123" not in caplog.text
    assert "kannel-word" not in caplog.text


def test_two_sources_with_the_same_new_procedures_do_not_wait_in_a_circle(
    postgres, one_stop, rows, configure, monkeypatch
):
    """Two pick-ups that insert the same procedures in opposite order must not deadlock."""
    other = second_source(postgres, configure, one_stop)
    import motcua.jobs.notices.picking_up as pu

    for code, p in (("A1", "P1"), ("A2", "P2")):
        one_stop.dossier(code, procedure_code=p)
    for code, p in (("B1", "P2"), ("B2", "P1")):
        other.dossier(code, TU_PHAP, procedure_code=p)
    orig = pu._PickUp._take_dossiers

    def slow(self, r):
        orig(self, r)
        time.sleep(0.7)

    monkeypatch.setattr(pu._PickUp, "_take_dossiers", slow)
    one_by_one = partial(pick_up, now=NOW, portions=pu.Portions(batch=1))
    with ThreadPoolExecutor(2) as pool:
        for picked_up in [pool.submit(one_by_one, name) for name in ("khanhhoa", "other")]:
            picked_up.result()
    other.connection.close()
    assert rows("SELECT count(*) AS n FROM motcua.dossiers") == [{"n": 4}]


@pytest.mark.guarantee("once", "a dossier that another planner has locked is left to the next planning")
def test_dossier_that_another_planner_holds_is_the_next_plans(one_stop, rows):
    one_stop.both(9)
    pick_up("khanhhoa", now=NOW)
    with open_connection() as holding:
        holding.execute("SELECT 1 FROM motcua.dossiers FOR UPDATE").fetchone()
        plan(now=NOW)
        assert states(rows) == []
        holding.rollback()
    plan(now=NOW)
    assert states(rows) == [("queued", None)]


WAITS = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = any(pg_blocking_pids(pid))"
"""A query that returns a row while another connection waits for a lock that the query's own connection holds."""


def test_burying_a_dead_sender_and_a_receipt_do_not_wait_in_a_circle(one_stop, gateway, rows):
    """Marking a dead sender's attempts as unknown and applying a receipt at the same time must not deadlock."""
    queue_results(one_stop, 2)
    ids = [r["message_id"] for r in rows("SELECT message_id FROM motcua.messages ORDER BY 1")]
    v = [Departing(m, f"r{m}", "+84905123000", "Mobifone", 1) for m in ids]
    in_ledger(ensure_gateway, "kannel")
    in_ledger(begin_sending, v)
    in_ledger(att.save_attempts, v, gateway="kannel", sender_id=5, run_id="x", now=NOW)
    # Take the lock that apply_receipts takes first.
    r = open_connection()
    r.execute("SELECT 1 FROM motcua.messages WHERE message_id = %s FOR UPDATE", (ids[0],)).fetchone()

    def mark_abandoned():
        return in_ledger(att.abandon, 5, NOW, NOW + MINUTE)

    with ThreadPoolExecutor(1) as pool, r:
        marked = pool.submit(mark_abandoned)
        until(lambda: r.execute(WAITS).fetchone())
        (number,) = save_receipts(r, [NewReceipt("kannel", f"r{ids[0]}", "1", {})])
        apply_receipts(r, [ReadReceipt(number, "kannel", f"r{ids[0]}", "delivered")], NOW)
        r.commit()
        assert marked.result() == 1
    assert states(rows) == [("delivered", None), ("unknown", "sender_ended")]


@pytest.mark.guarantee("registrations", "a template version whose file is missing affects only its own messages")
def test_missing_template_version_concerns_itself_only(one_stop, gateway, rows):
    queue_results(one_stop, 2)
    rows(
        "UPDATE motcua.messages SET template_version = 7"
        " WHERE message_id = (SELECT min(message_id) FROM motcua.messages)"
    )
    for i in range(2):
        send_at(NOW + i * MINUTE)
    assert len(gateway.asked) == 1, states(rows)


def test_failure_to_note_a_failure_shows_no_row(one_stop, rows, monkeypatch):
    """If recording a failure fails too, the traceback must still show no citizen's data."""
    one_stop.dossier()
    rows("ALTER TABLE motcua.dossiers ADD CHECK (applicant_phone <> '0905123456')")
    import motcua.jobs.notices.picking_up as pu

    def broken(*a):
        raise psycopg.OperationalError("server closed the connection")

    monkeypatch.setattr(pu, "note_failure", broken)
    with pytest.raises(DatabaseFailed) as failed:
        pick_up("khanhhoa", now=NOW)
    assert "0905123456" not in "".join(traceback.format_exception(failed.value))


BACKFILL = Window(NOW, NOW + MINUTE)


def test_backfill_plans_nothing_outside_its_window(one_stop, rows):
    one_stop.both(9, at=NOW)
    one_stop.move(5, at=NOW + 60 * MINUTE)
    pick_up("khanhhoa", now=NOW + 60 * MINUTE)
    plan(BACKFILL, now=NOW + 60 * MINUTE)
    assert len(states(rows)) == 1, "the step of status 5 lies outside the window and must give no message"


@pytest.mark.guarantee(
    "airflow", "a backfill sends, plans and reopens nothing outside its window, and retries at once what failed in it"
)
def test_backfill_reopens_nothing_outside_its_window(one_stop, rows):
    for code, at in (("IN", NOW), ("LATER", NOW + 60 * MINUTE)):
        one_stop.both(9, code, at=at, applicant_phone="02583822001", updated_at=at)
    take_in(NOW + 60 * MINUTE)
    assert states(rows) == [("suppressed", "landline")] * 2
    for code in ("IN", "LATER"):
        at_desk(one_stop, NOW + 90 * MINUTE, code=code, applicant_phone="0905123456")
    pick_up("khanhhoa", now=NOW + 90 * MINUTE)
    plan(BACKFILL, now=NOW + 90 * MINUTE)
    assert states(rows) == [("queued", "phone_mended"), ("suppressed", "landline")]
