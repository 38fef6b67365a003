"""What a ledger may hold at its worst, written into one that is there."""

from __future__ import annotations

QUEUED, HELD, OF_ONE = 200_000, 300, 400
"""Messages that are due at once; that people hold; results that one dossier's citizen was told of."""
ONE_DOSSIER = "NHIEU-TIN"
"""Code of that dossier, of agency B000."""

# Each of a dossier of its own whose result is ready.
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
# Of those that a gateway had taken, or been given, last.
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
# It was at the desk and taken back again and again; the last result waits to be told.
MANY_OF_ONE = f"""
SET session_replication_role = 'replica';
INSERT INTO motcua.dossiers (
    dossier_id, source_id, agency_code, dossier_code, procedure_code, applicant_phone, msisdn, received_at, due_at,
    status_code, at_one_stop_desk, finished_at, updated_at, picked_up_at
)
OVERRIDING SYSTEM VALUE
SELECT
    40000000, 1, 'B000', '{ONE_DOSSIER}', '1.000007', 'as typed', '+84905000001', now() - interval '50 days',
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
FROM generate_series(1, 2 * {OF_ONE} + 1) AS n
CROSS JOIN LATERAL (SELECT now() - (2 * {OF_ONE} + 3 - n) * interval '1 hour' AS at) AS t;
INSERT INTO motcua.messages (
    message_id, kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, msisdn, text,
    template_id, template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
    next_attempt_at, attempts_made, accepted_at, changed_at, carrier
)
OVERRIDING SYSTEM VALUE
SELECT
    t.transition_id, 'result', 40000000, 'B000', '1.000007', 'transition ' || t.transition_id, t.transition_id,
    CASE WHEN w.went THEN 'delivered' ELSE 'queued' END, '+84905000001',
    'Thong bao: Ho so da duoc giai quyet xong. Moi Ong/Ba den Bo phan Mot cua de nhan ket qua', 'result', 1,
    ARRAY['{ONE_DOSSIER}', 'Cơ quan'], FALSE, 1, t.recorded_at, t.recorded_at, t.recorded_at,
    t.recorded_at + interval '3 days', t.recorded_at, w.went::integer, CASE WHEN w.went THEN t.recorded_at END,
    t.recorded_at, 'MobiFone'
FROM motcua.transitions AS t
CROSS JOIN LATERAL (SELECT t.transition_id <= 40000000 + 2 * {OF_ONE} AS went) AS w
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
