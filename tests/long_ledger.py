"""Fill a ledger by SQL as if it had worked for years: any number of days, each as busy as the others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from tests.ground import ask

AGENCIES, PROCEDURES, SOURCES = 13, 60, 3

_NAMES = """
INSERT INTO motcua.sources (name, picked_up_at)
SELECT 'source_' || n, %(now)s FROM generate_series(1, %(sources)s) AS n;
INSERT INTO motcua.gateways (name) VALUES ('kannel');
INSERT INTO motcua.agencies (agency_code, name, enabled_from)
SELECT 'H' || n, 'Cơ quan ' || n, %(begins)s FROM generate_series(1, %(agencies)s) AS n;
INSERT INTO motcua.procedures (procedure_code, name)
SELECT '1.' || n, 'Thủ tục ' || n FROM generate_series(1, %(procedures)s) AS n;
"""
# Each dossier is received, worked on, resolved after five days and handed over after six. Every fifth needs a
# supplement. Nothing after "now" is written.
_DOSSIERS = """
INSERT INTO motcua.dossiers (
    source_id, agency_code, dossier_code, procedure_code, applicant_phone, msisdn, phone_refusal, received_at, due_at,
    status_code, at_one_stop_desk, finished_at, returned_at, updated_at, picked_up_at
)
SELECT
    1 + n %% %(sources)s, 'H' || 1 + n %% %(agencies)s, 'D' || n, '1.' || 1 + n %% %(procedures)s, 'as typed',
    CASE WHEN n %% 4 > 0 THEN '+84905' || lpad((n %% 1000000)::text, 6, '0') END,
    CASE WHEN n %% 4 = 0 THEN 'landline' END,
    r.at, r.at + interval '5 days', s.status, s.status = 9, f.at, h.at, coalesce(h.at, f.at, r.at),
    coalesce(h.at, f.at, r.at)
FROM generate_series(1, %(days)s * %(a_day)s) AS n
CROSS JOIN LATERAL (SELECT %(begins)s::timestamptz + (n::float / %(a_day)s) * interval '1 day' AS at) AS r
LEFT JOIN LATERAL (SELECT r.at + interval '5 days' AS at) AS f ON f.at <= %(now)s
LEFT JOIN LATERAL (SELECT r.at + interval '6 days' AS at) AS h ON h.at <= %(now)s
CROSS JOIN
    LATERAL (SELECT CASE WHEN h.at IS NOT NULL THEN 10 WHEN f.at IS NOT NULL THEN 9 ELSE 4 END AS status) AS s;
INSERT INTO motcua.dossier_versions (
    dossier_id, seen_at, updated_at, procedure_code, received_at, due_at, status_code, at_one_stop_desk
)
SELECT d.dossier_id, v.at, v.at, d.procedure_code, d.received_at, d.due_at, v.status, v.status = 9
FROM motcua.dossiers AS d
CROSS JOIN LATERAL (VALUES (0, 2), (5, 9), (6, 10)) AS s (day, status)
CROSS JOIN LATERAL (SELECT d.received_at + s.day * interval '1 day' AS at, s.status) AS v
WHERE v.at <= %(now)s
ORDER BY v.at;
"""
# Transitions that were recorded in the last quarter of an hour are not planned yet.
_TRANSITIONS = """
INSERT INTO motcua.transitions (
    source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk, occurred_at, recorded_at,
    picked_up_at, planned_at, outcome
)
SELECT
    d.source_id, d.dossier_id * 10 + s.step, d.dossier_id, d.dossier_id * 10 + s.step, s.status, s.desk, t.at, t.at,
    t.at, p.at, CASE WHEN p.at IS NOT NULL THEN 'no_occasion' END
FROM motcua.dossiers AS d
CROSS JOIN LATERAL (
    VALUES (1, 0.0, 2, FALSE), (2, 0.5, 4, FALSE), (3, 2.0, 5, TRUE), (4, 3.0, 4, FALSE), (5, 5.0, 9, TRUE),
    (6, 6.0, 10, TRUE)
) AS s (step, day, status, desk)
CROSS JOIN LATERAL (SELECT d.received_at + s.day * interval '1 day' AS at) AS t
LEFT JOIN LATERAL (SELECT t.at) AS p ON t.at <= %(now)s::timestamptz - interval '15 minutes'
WHERE t.at <= %(now)s AND (d.dossier_id %% 5 = 0 OR s.step NOT IN (3, 4))
ORDER BY t.at;
"""
# In a hundred messages, 60 are delivered, 5 unconfirmed, 25 suppressed, 5 undelivered and 5 cancelled.
# Messages younger than an hour are still queued or accepted instead of delivered, unconfirmed or undelivered.
_MESSAGES = """
INSERT INTO motcua.messages (
    kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, msisdn, text, template_id,
    template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
    next_attempt_at, attempts_made, accepted_at, changed_at, carrier
)
SELECT
    o.kind, d.dossier_id, d.agency_code, d.procedure_code, o.occasion, o.transition_id, s.state,
    CASE
        WHEN s.state = 'suppressed' THEN 'landline'
        WHEN s.state IN ('cancelled', 'unconfirmed') THEN 'taken_back'
    END,
    d.msisdn, 'Ho so cua quy Ong/Ba (' || d.dossier_code || ') da co ket qua tai Bo phan Mot cua.', 'result', 1,
    ARRAY[d.dossier_code], FALSE, 1, o.at, o.at, o.at, o.at + interval '3 days', o.at, w.went::integer,
    CASE WHEN w.went AND s.state <> 'queued' THEN o.at + interval '2 seconds' END, o.at + interval '5 seconds',
    'viettel'
FROM (
    SELECT
        CASE t.status_code WHEN 9 THEN 'result' ELSE 'supplement' END AS kind, t.dossier_id,
        'transition ' || t.transition_id AS occasion, t.transition_id, t.recorded_at AS at
    FROM motcua.transitions AS t
    WHERE t.at_one_stop_desk AND t.status_code IN (5, 9) AND t.planned_at IS NOT NULL
    UNION ALL
    SELECT
        'apology', a.dossier_id, 'due ' || (a.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, NULL,
        ((a.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date - 1 + time '17:30') AT TIME ZONE 'Asia/Ho_Chi_Minh'
    FROM motcua.dossiers AS a
    WHERE a.dossier_id %% 10 = 1
) AS o
INNER JOIN motcua.dossiers AS d ON o.dossier_id = d.dossier_id
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN d.dossier_id %% 4 = 0 THEN 'suppressed'
            WHEN d.dossier_id %% 20 = 1 THEN 'cancelled'
            WHEN o.at > %(now)s::timestamptz - interval '20 minutes' THEN 'queued'
            WHEN o.at > %(now)s::timestamptz - interval '1 hour' THEN 'accepted'
            WHEN d.dossier_id %% 20 = 2 THEN 'undelivered'
            WHEN d.dossier_id %% 20 = 3 THEN 'unconfirmed'
            ELSE 'delivered'
        END AS state
) AS s
CROSS JOIN LATERAL (SELECT s.state NOT IN ('suppressed', 'cancelled', 'queued') AS went) AS w
WHERE o.at <= %(now)s
ORDER BY o.at;
UPDATE motcua.transitions AS t SET outcome = 'message', message_id = m.message_id
FROM motcua.messages AS m
WHERE t.transition_id = m.transition_id AND t.recorded_at > %(now)s::timestamptz - interval '1 day';
INSERT INTO motcua.message_history (message_id, changed_at, to_state)
SELECT message_id, planned_at, 'queued' FROM motcua.messages;
INSERT INTO motcua.message_history (message_id, changed_at, from_state, to_state)
SELECT message_id, changed_at, 'queued', state FROM motcua.messages WHERE state <> 'queued';
INSERT INTO motcua.attempts (
    message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at, answered_at, outcome, segments,
    settle_at
)
SELECT
    message_id, 'kannel', md5(message_id::text), 1, 'run ' || message_id / 20, msisdn,
    CASE state WHEN 'unconfirmed' THEN 'accepted' ELSE state END, accepted_at, accepted_at, 'accepted', 1,
    CASE WHEN state = 'accepted' THEN accepted_at END
FROM motcua.messages
WHERE attempts_made > 0;
INSERT INTO motcua.receipts (gateway, received_at, reference, gateway_status, raw)
SELECT 'kannel', started_at + interval '3 seconds', reference, '1', '{}' FROM motcua.attempts
WHERE state IN ('delivered', 'undelivered');
INSERT INTO motcua.receipt_readings (receipt_id, attempt_id, meaning, effect, read_at)
SELECT r.receipt_id, a.attempt_id, a.state, 'applied', r.received_at
FROM motcua.receipts AS r
INNER JOIN motcua.attempts AS a ON r.reference = a.reference;
"""
_EVENINGS = """
INSERT INTO motcua.apology_evenings (
    agency_code, day, evening_at, apology_day, state, first_due, last_due, useful_until, settled_at, known_transition,
    known_version, looked_at, queued, suppressed, missed
)
SELECT
    g.agency_code, t.day, e.at, 'calendar', 'done', t.day + 1, t.day + 1, e.at + interval '4 hours', e.at, t.known,
    v.known, 20, 2, 0, 0
FROM motcua.agencies AS g
CROSS JOIN (
    SELECT (recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh' + interval '6.5 hours')::date AS day,
        max(transition_id) AS known
    FROM motcua.transitions
    GROUP BY 1
) AS t
INNER JOIN (
    SELECT (seen_at AT TIME ZONE 'Asia/Ho_Chi_Minh' + interval '6.5 hours')::date AS day, max(version_id) AS known
    FROM motcua.dossier_versions
    GROUP BY 1
) AS v ON t.day = v.day
CROSS JOIN LATERAL (SELECT (t.day + time '17:30') AT TIME ZONE 'Asia/Ho_Chi_Minh' AS at) AS e
WHERE e.at <= %(now)s;
"""
# For a tenth of the dossiers a citizen sent a text to 9029. Ten rows for each day have left the quarantine, 500 are
# still there.
_THE_REST = """
INSERT INTO motcua.messages (
    kind, dossier_id, agency_code, procedure_code, occasion, state, text, template_id, template_version, parameters,
    accented, segments, occurred_at, recorded_at, planned_at, useful_until, next_attempt_at, accepted_at, changed_at
)
SELECT
    'reply', d.dossier_id, d.agency_code, d.procedure_code, 'inquiry ' || d.dossier_id, 'unconfirmed', 'Ho so', 'reply',
    1, '{}', FALSE, 1, a.at, a.at, a.at, a.at, a.at, a.at, a.at
FROM motcua.dossiers AS d
CROSS JOIN LATERAL (SELECT d.received_at + interval '1 day' AS at) AS a
WHERE d.dossier_id %% 10 = 7 AND a.at <= %(now)s;
INSERT INTO motcua.inquiries (
    gateway, dedupe_key, received_at, msisdn, outcome, dossier_id, agency_code, as_of, fee, message_id
)
SELECT
    'kannel', 'inquiry ' || dossier_id, recorded_at, '+84906' || lpad((dossier_id %% 1000000)::text, 6, '0'),
    'answered', dossier_id, agency_code, recorded_at, 1000, message_id
FROM motcua.messages WHERE kind = 'reply';
INSERT INTO motcua.quarantine (
    source_id, row_kind, row_key, reason, agency_code, dossier_code, status_code, payload, first_seen_at, last_seen_at,
    released_at
)
SELECT
    1, 'transition', n::text, 'agency_unknown', 'X', 'Q' || n, 4, '{"agency_code": "X", "dossier_code": "Q"}', s.at,
    s.at,
    CASE WHEN n <= %(days)s * 10 THEN s.at + interval '1 day' END
FROM generate_series(1, %(days)s * 10 + 500) AS n
CROSS JOIN LATERAL (SELECT %(now)s::timestamptz - n * interval '1 second' AS at) AS s;
"""


def fill_ledger(dsn: str, now: datetime, days: int, dossiers_a_day: int) -> None:
    """Write a ledger's last ``days`` days up to ``now``, and let PostgreSQL analyze it.

    The triggers are off, because they would take hours. SQL writes the rows that the triggers would write.
    """
    with psycopg.connect(dsn) as connection:
        connection.execute("SET session_replication_role = 'replica'")
        begins = connection.execute("SELECT %s::timestamptz - make_interval(days => %s)", (now, days)).fetchone()
        values: dict[str, Any] = {
            "now": now,
            "begins": begins[0] if begins else None,
            "days": days,
            "a_day": dossiers_a_day,
            "agencies": AGENCIES,
            "procedures": PROCEDURES,
            "sources": SOURCES,
        }
        for part in (_NAMES, _DOSSIERS, _TRANSITIONS, _MESSAGES, _EVENINGS, _THE_REST):
            # The server does not accept parameters in a text of several SQL statements, so the client fills them in.
            psycopg.ClientCursor(connection).execute(part, values)
    ask(dsn, "VACUUM (ANALYZE)")
