"""Run the SQL statements that jobs need only in rare cases, one by one, with values from a large ledger.

A parameter with the same name means the same in all SQL statements, so nearly every name needs only one value. ``_OWN``
has the exceptions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from motcua.store.ledger.database import open_connection
from motcua.store.ledger.queries import statement
from tests.prove.worlds.long.reads import Ledger

STATEMENTS = (
    "apologies/candidates",
    "apologies/evenings",
    "apologies/is_settled",
    "apologies/lock_sources",
    "attempts/abandon",
    "attempts/assume_accepted",
    "attempts/begin_repeat",
    "attempts/end_repeat",
    "attempts/note_settling",
    "attempts/settle_repeat",
    "attempts/unreachable",
    "attempts/unreported",
    "attempts/unsettled",
    "dossiers/showing/by_number",
    "dossiers/showing/find_by_phone",
    "gateways/begin_trial",
    "gateways/judge_carrier",
    "gateways/lock_allowance",
    "gateways/lock_day",
    "gateways/set_free_at",
    "gateways/stop",
    "inquiries/reply_given",
    "messages/claiming/any_due",
    "messages/claiming/find_for_trial",
    "messages/claiming/postpone",
    "messages/claiming/turn_away",
    "messages/outcomes/release",
    "messages/outcomes/do_not_wait",
    "messages/planning/make_due",
    "messages/planning/make_due_judged",
    "messages/planning/reopen_confirmed",
    "messages/browsing/waiting",
    "old_steps/judge",
    "old_steps/put_off",
    "stops/set_aside",
    "stops/waiting",
    "transitions/lowest",
    "transitions/newest",
    "watch/acknowledge",
    "watch/news",
    "watch/seen_from_outside",
)
_NAMED = re.compile(r"%\((\w+)\)s")
# Insert a stop in force: messages of the kind ``supplement`` are not sent for another hour.
_STOPPED = """
INSERT INTO motcua.stops (kind, stopped_at, until, stopped_by, reason)
VALUES ('supplement', now() - interval '1 hour', now() + interval '1 hour', 'tests', 'tests');
"""
# Let a carrier look as if no gateway accepts its messages.
_REFUSED = """
WITH refused AS (
    UPDATE motcua.attempts
    SET state = 'failed', outcome = 'configuration', concerns = 'carrier', answered_at = now()
    WHERE attempt_id IN (
        SELECT attempt_id FROM motcua.attempts WHERE state = 'accepted' ORDER BY attempt_id DESC LIMIT 3
    )
    RETURNING message_id
)
UPDATE motcua.messages AS m SET carrier = 'itel' FROM refused AS r WHERE m.message_id = r.message_id;
"""
_BEFORE: Mapping[str, str] = {"stops/": _STOPPED, "gateways/judge_carrier": _REFUSED}
"""Beginning of a statement's name → SQL that prepares the ledger for the statement."""
_PLANNED_BY_KEYS = ("messages/claiming/", "attempts/", "stops/set_aside", "gateways/judge_carrier")


def ask_by_hand(ledger: Ledger) -> None:
    """Run each SQL statement that jobs need only in rare cases, and roll back all its changes."""
    values = _parameter_values(ledger)
    with ledger.recording("by hand"), open_connection() as connection:
        for name in STATEMENTS:
            text = statement(name)
            if name.startswith(_PLANNED_BY_KEYS):
                connection.execute(statement("messages/claiming/plan_by_keys"))
            for named, before in _BEFORE.items():
                if name.startswith(named):
                    connection.execute(before.encode())
            given = values | _OWN.get(name, {})
            connection.execute(text, {each: given[each] for each in _NAMED.findall(text)})
            connection.rollback()


_OWN: Mapping[str, Mapping[str, Any]] = {
    "apologies/candidates": {"limit": 500},
    "attempts/unreachable": {"numbers": ["+84905000007"]},
    "gateways/judge_carrier": {"carrier": "itel"},
}


def _parameter_values(ledger: Ledger) -> dict[str, Any]:
    now = datetime.now(UTC)
    with psycopg.connect(ledger.dsn, row_factory=dict_row) as connection:
        unknown = connection.execute(
            "SELECT a.attempt_id, a.message_id FROM motcua.attempts AS a"
            " INNER JOIN motcua.messages AS m ON a.message_id = m.message_id"
            " WHERE a.state = 'unknown' AND m.state = 'unknown' ORDER BY 1 DESC LIMIT 1"
        ).fetchone()
        queued = [
            row["message_id"]
            for row in connection.execute(
                "SELECT message_id FROM motcua.messages WHERE state = 'queued' ORDER BY 1 DESC LIMIT 10"
            )
        ]
        dossiers = [
            row["dossier_id"]
            for row in connection.execute("SELECT dossier_id FROM motcua.dossiers ORDER BY 1 DESC LIMIT 10")
        ]
    assert unknown is not None, "no message is of unknown outcome"
    return {
        "after": 0,
        "agencies": None,
        "agency_code": "B000",
        "attempt_id": unknown["attempt_id"],
        "attempt_ids": [unknown["attempt_id"]],
        "attempt_state": "unknown",
        "before": now - timedelta(hours=1),
        "begins": [now - timedelta(days=1)],
        "begun_since": now - timedelta(days=30),
        "by": now,
        "by_hand": False,
        "carrier": "MobiFone",
        "carriers": None,
        "changed_by": "tests",
        "concerns": "gateway",
        "day": now.date(),
        "dedupe_key": "inquiry 9",
        "dossier_ids": dossiers,
        "due_days": [now.date() + timedelta(days=1)],
        "end": None,
        "ends": [now],
        "enough": 5,
        "evening_at": now,
        "expected": False,
        "first": now.date() - timedelta(days=1),
        "free_at": now,
        "from_number": 50_000_000,
        "gateway": "kannel",
        "gateway_code": None,
        "gateway_reference": None,
        "http_status": None,
        "kind": "result",
        "last": now.date(),
        "limit": 10,
        "message_id": unknown["message_id"],
        "message_ids": queued,
        "most": 100,
        "msisdn": "+84905000007",
        "name": "identity",
        "names": ["mot_cua"],
        "now": now,
        "numbers": 10,
        "outcome": "unknown",
        "pause": timedelta(seconds=2),
        "reason": "unreachable",
        "refused_too": False,
        "released_by": "lan",
        "rows": json.dumps([]),
        "sender_id": 1,
        "settle_at": now,
        "since": now - timedelta(hours=1),
        "source_id": 1,
        "start": None,
        "state": "unknown",
        "stopped_at": now,
        "subject": "",
        "until": now + timedelta(minutes=1),
    }


QUEUED, HELD, OF_ONE = 200_000, 300, 400
"""Numbers of messages: due at the same time, of unknown outcome, and about results of a single dossier."""
ONE_DOSSIER = "NHIEU-TIN"
"""Code of the dossier of agency B000 that has many results."""

# Insert messages about ready results that are all due at the same time, each of another dossier.
MANY_DUE = f"""
SET session_replication_role = 'replica';
INSERT INTO motcua.dossiers (
    dossier_id, source_id, agency_code, dossier_code, procedure_code, applicant_phone, msisdn, received_at, due_at,
    status_code, at_one_stop_desk, finished_at, updated_at, picked_up_at
)
OVERRIDING SYSTEM VALUE
SELECT
    30000000 + n, 1, 'B' || to_char(n % 100, 'FM000'), 'DON-' || n, '1.000007', 'as typed',
    '+84905' || lpad((n % 1000000)::text, 6, '0'), now() - interval '3 days', now() + interval '9 days', 9, TRUE,
    now() - interval '2 minutes', now() - interval '2 minutes', now()
FROM generate_series(1, {QUEUED}) AS n;
INSERT INTO motcua.transitions (
    transition_id, source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk, occurred_at,
    recorded_at, picked_up_at, planned_at, outcome, message_id
)
OVERRIDING SYSTEM VALUE
SELECT
    30000000 + n, 1, 300000000 + n, 30000000 + n, 300000000 + n, 9, TRUE, t.at, t.at, now(), now(), 'message',
    30000000 + n
FROM generate_series(1, {QUEUED}) AS n
CROSS JOIN LATERAL (SELECT now() - interval '4 minutes' + n * interval '1 millisecond' AS at) AS t;
INSERT INTO motcua.messages (
    message_id, kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, msisdn, text,
    template_id, template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
    next_attempt_at, changed_at, carrier
)
OVERRIDING SYSTEM VALUE
SELECT
    30000000 + n, 'result', 30000000 + n, 'B' || to_char(n % 100, 'FM000'), '1.000007', 'transition ' || 30000000 + n,
    30000000 + n, 'queued', '+84905' || lpad((n % 1000000)::text, 6, '0'),
    'Thong bao: Ho so da duoc giai quyet xong. Moi Ong/Ba den Bo phan Mot cua de nhan ket qua', 'result', 1,
    ARRAY['DON-' || n, 'Cơ quan'], FALSE, 1, t.at, t.at, now(), now() + interval '3 days', now() - interval '1 minute',
    now(), 'MobiFone'
FROM generate_series(1, {QUEUED}) AS n
CROSS JOIN LATERAL (SELECT now() - interval '4 minutes' + n * interval '1 millisecond' AS at) AS t;
INSERT INTO motcua.message_history (message_id, changed_at, to_state)
SELECT message_id, planned_at, 'queued' FROM motcua.messages WHERE message_id > 30000000;
"""
# Make the newest delivered messages unknown, with an attempt that waits to be settled.
MANY_HELD = f"""
SET session_replication_role = 'replica';
UPDATE motcua.attempts AS a
SET state = 'unknown', outcome = 'unknown', answered_at = NULL, settle_at = now() - interval '1 minute'
WHERE a.attempt_id IN (
    SELECT b.attempt_id FROM motcua.attempts AS b
    WHERE b.state = 'delivered' AND NOT b.released
    ORDER BY b.attempt_id DESC LIMIT {HELD}
);
UPDATE motcua.messages AS m
SET state = 'unknown', reason = 'no_answer', accepted_at = NULL, useful_until = now() + interval '1 day'
FROM motcua.attempts AS a
WHERE a.message_id = m.message_id AND a.state = 'unknown' AND a.settle_at > now() - interval '2 minutes';
"""


def many_of_one(count: int, agency: str = "B000", carrier: str = "MobiFone") -> str:
    """Return SQL that inserts a dossier which enters and leaves the state "result at the desk" again and again.

    The message about the last result is queued.
    """
    return f"""
SET session_replication_role = 'replica';
INSERT INTO motcua.dossiers (
    dossier_id, source_id, agency_code, dossier_code, procedure_code, applicant_phone, msisdn, received_at, due_at,
    status_code, at_one_stop_desk, finished_at, updated_at, picked_up_at
)
OVERRIDING SYSTEM VALUE
SELECT
    40000000, 1, '{agency}', '{ONE_DOSSIER}', '1.000007', 'as typed', '+84905000001', now() - interval '50 days',
    now() + interval '9 days', 9, TRUE, now() - interval '2 minutes', now() - interval '2 minutes', now();
INSERT INTO motcua.transitions (
    transition_id, source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk, occurred_at,
    recorded_at, picked_up_at, planned_at, outcome, message_id
)
OVERRIDING SYSTEM VALUE
SELECT
    40000000 + n, 1, 400000000 + n, 40000000, 400000000 + n, CASE n % 2 WHEN 1 THEN 9 ELSE 4 END, n % 2 = 1, t.at,
    t.at, t.at, t.at, CASE n % 2 WHEN 1 THEN 'message' ELSE 'no_occasion' END,
    CASE n % 2 WHEN 1 THEN 40000000 + n END
FROM generate_series(1, 2 * {count} + 1) AS n
CROSS JOIN LATERAL (SELECT now() - (2 * {count} + 3 - n) * interval '1 hour' AS at) AS t;
INSERT INTO motcua.messages (
    message_id, kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, msisdn, text,
    template_id, template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
    next_attempt_at, attempts_made, accepted_at, changed_at, carrier
)
OVERRIDING SYSTEM VALUE
SELECT
    t.transition_id, 'result', 40000000, '{agency}', '1.000007', 'transition ' || t.transition_id, t.transition_id,
    CASE WHEN w.went THEN 'delivered' ELSE 'queued' END, '+84905000001',
    'Thong bao: Ho so da duoc giai quyet xong. Moi Ong/Ba den Bo phan Mot cua de nhan ket qua', 'result', 1,
    ARRAY['{ONE_DOSSIER}', 'Cơ quan'], FALSE, 1, t.recorded_at, t.recorded_at, t.recorded_at,
    now() + interval '9 days', '2020-01-01', w.went::integer, CASE WHEN w.went THEN t.recorded_at END,
    t.recorded_at, '{carrier}'
FROM motcua.transitions AS t
CROSS JOIN LATERAL (SELECT t.transition_id <= 40000000 + 2 * {count} AS went) AS w
WHERE t.dossier_id = 40000000 AND t.at_one_stop_desk;
INSERT INTO motcua.message_history (message_id, changed_at, to_state)
SELECT message_id, planned_at, 'queued' FROM motcua.messages WHERE dossier_id = 40000000;
INSERT INTO motcua.message_history (message_id, changed_at, from_state, to_state)
SELECT message_id, planned_at, 'queued', state FROM motcua.messages
WHERE dossier_id = 40000000 AND state = 'delivered';
INSERT INTO motcua.attempts (
    message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at, answered_at, outcome, segments
)
SELECT
    message_id, 'kannel', md5('one' || message_id), 1, 'run 2', msisdn, state, accepted_at, accepted_at, 'accepted', 1
FROM motcua.messages
WHERE dossier_id = 40000000 AND state = 'delivered';
"""


GATEWAY_STOPPED = """
INSERT INTO motcua.gateway_stops (gateway, concerns, subject, stopped_at, until, reason, by_hand)
VALUES ('kannel', 'gateway', '', now(), now() + interval '1 hour', 'unreachable', FALSE);
"""
