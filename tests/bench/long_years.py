"""Write by SQL, in some minutes, the ledger of a province after years: a million dossiers, ten million messages."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString

import psycopg

from tests.bench.filling import quick_filling
from tests.bench.long_reports import fill_reports

DOSSIERS, MESSAGES = 1_000_000, 10_000_000
DAYS = 400
"""Days over which the messages are spread."""
YOUNG_DAYS = 60
"""Number of newest days whose messages also have attempts and histories.

Pages look up attempts and histories by message, so the total number of attempts and histories does not matter.
"""
BUSY_RUN = 30_000
"""Messages of the largest run, as many as a province has on one day."""
BUSY_STEPS, BUSY_ENTRIES = 60, 600
"""Size of the busiest dossier: steps, and other entries.

Every second step called for a message. The other entries are inquiries to 9029 and changed due times; they are more
than one page shows.
"""

_PLACES: LiteralString = """
CREATE FUNCTION public.u(n bigint, k bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (hashint8extended(n, k) & 1048575) / 1048576.0;
INSERT INTO motcua.sources (name, picked_up_at) VALUES ('mot_cua', %(now)s) ON CONFLICT DO NOTHING;
INSERT INTO motcua.gateways (name) VALUES ('kannel') ON CONFLICT DO NOTHING;
INSERT INTO motcua.agencies (agency_code, name, short_name, enabled_from, changed_by)
SELECT 'B' || to_char(n, 'FM000'), 'Cơ quan thứ ' || n, 'Cơ quan ' || n, '2020-01-01', 'bench'
FROM generate_series(0, 101) AS n;
INSERT INTO motcua.procedures (procedure_code, name)
SELECT '1.' || to_char(n, 'FM000000'), 'Thủ tục ' || n FROM generate_series(0, 299) AS n;
"""
# A few agencies have most of the dossiers. The hundredth agency has 1/400 of them, the agency B100 has twenty dossiers,
# and B101 has none.
_DOSSIERS: LiteralString = """
INSERT INTO motcua.dossiers (
    dossier_id, source_id, agency_code, dossier_code, procedure_code, applicant_name, applicant_phone, msisdn,
    phone_refusal, received_at, due_at, status_code, at_one_stop_desk, finished_at, returned_at, updated_at,
    picked_up_at
)
OVERRIDING SYSTEM VALUE
SELECT
    n, 1,
    'B' || CASE n %% 50000 WHEN 7 THEN '100' ELSE to_char(floor(100 * power(u(n, 1), 4)), 'FM000') END,
    '000.00.' || n %% 100 || '.H32-26' || to_char(n, 'FM0000000'), '1.' || to_char(floor(300 * u(n, 2)), 'FM000000'),
    'Nguyễn Văn ' || n, 'as typed', CASE WHEN n %% 9 > 0 THEN '+84905' || lpad((n %% 1000000)::text, 6, '0') END,
    CASE WHEN n %% 9 = 0 THEN 'missing' END, r.at, r.at + interval '5 days',
    CASE WHEN r.at < %(now)s::timestamptz - interval '6 days' THEN 10 ELSE 4 END, FALSE,
    r.at + interval '5 days',
    CASE WHEN r.at < %(now)s::timestamptz - interval '6 days' THEN r.at + interval '6 days' END,
    r.at + interval '5 days', r.at
FROM generate_series(1, %(dossiers)s::bigint) AS n
CROSS JOIN LATERAL (
    SELECT %(now)s::timestamptz - (1 - n::float / %(dossiers)s) * %(days)s * interval '1 day' AS at
) AS r;
INSERT INTO motcua.transitions (
    transition_id, source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk, occurred_at,
    recorded_at, picked_up_at, planned_at, outcome, actor
)
OVERRIDING SYSTEM VALUE
SELECT
    -(d.dossier_id * 4 + s.step), 1, d.dossier_id * 4 + s.step, d.dossier_id, d.dossier_id * 4 + s.step, s.status,
    s.step = 2, t.at, t.at, t.at, t.at, 'no_occasion', 'can.bo'
FROM motcua.dossiers AS d
CROSS JOIN (VALUES (1, 2), (2, 9), (3, 10)) AS s (step, status)
CROSS JOIN LATERAL (SELECT d.received_at + s.step * interval '2 days' AS at) AS t;
INSERT INTO motcua.dossier_versions (
    dossier_id, seen_at, updated_at, procedure_code, received_at, due_at, status_code, at_one_stop_desk
)
SELECT dossier_id, updated_at, updated_at, procedure_code, received_at, due_at, status_code, at_one_stop_desk
FROM motcua.dossiers;
"""
# About 74 of a hundred messages were delivered and 10 were suppressed. One of a thousand expired, and one of ten
# thousand was rejected. Every tenth message is a reply of 9029, and every third reply is about a code without a
# dossier. The newest messages have no final state yet.
_MESSAGES: LiteralString = """
INSERT INTO motcua.messages (
    message_id, kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, msisdn, text,
    template_id, template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
    next_attempt_at, attempts_made, accepted_at, changed_at, carrier
)
OVERRIDING SYSTEM VALUE
SELECT
    o.n, o.kind, o.dossier_id, d.agency_code, d.procedure_code, 'occasion ' || o.n,
    CASE WHEN o.kind IN ('result', 'supplement') THEN o.n END, s.state,
    CASE s.state
        WHEN 'suppressed'
            THEN (ARRAY['missing', 'landline', 'too_short', 'same_day', 'dummy'])[1 + floor(5 * power(u(o.n, 5), 3))]
        WHEN 'cancelled' THEN (ARRAY['handed_over', 'taken_back'])[1 + o.n %% 2]
        WHEN 'expired' THEN 'too_late' WHEN 'rejected' THEN 'phone' WHEN 'unconfirmed' THEN 'no_receipt'
        WHEN 'unknown' THEN 'no_answer'
        WHEN 'queued' THEN (ARRAY['gateway_busy', 'template_refused'])[o.n %% 5]
    END,
    coalesce(d.msisdn, CASE WHEN o.kind = 'reply' THEN '+84906' || lpad((o.n %% 1000000)::text, 6, '0') END),
    'Thong bao: Ho so cua quy Ong/Ba (' || coalesce(d.dossier_code, 'X' || o.n)
    || ') da duoc giai quyet xong. Moi Ong/Ba den Bo phan Mot cua de nhan ket qua',
    CASE o.kind WHEN 'reply' THEN CASE WHEN o.dossier_id IS NULL THEN 'reply_unknown' ELSE 'reply' END ELSE o.kind END,
    1, ARRAY[coalesce(d.dossier_code, 'X' || o.n), 'Cơ quan'], FALSE, 1, o.at, o.at, o.at,
    o.at + interval '3 days', o.at, w.went::integer,
    CASE WHEN w.went OR o.kind = 'reply' THEN o.at + interval '2 seconds' END, o.at + interval '9 seconds', 'MobiFone'
FROM (
    SELECT
        n,
        (ARRAY[
            'result', 'result', 'result', 'result', 'result', 'supplement', 'supplement', 'apology', 'apology', 'reply'
        ])[1 + n %% 10] AS kind,
        CASE WHEN n %% 30 <> 9 THEN greatest(1, least(
            %(dossiers)s::bigint, (n::float / %(messages)s * %(dossiers)s - 3000 * u(n, 4))::bigint
        )) END AS dossier_id,
        %(now)s::timestamptz - (1 - n::float / %(messages)s) * %(days)s * interval '1 day' AS at
    FROM generate_series(1, %(messages)s::bigint) AS n
) AS o
LEFT JOIN motcua.dossiers AS d ON o.dossier_id = d.dossier_id
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN o.kind = 'reply' THEN CASE WHEN o.at > %(now)s::timestamptz - interval '3 days' THEN 'accepted'
                ELSE 'unconfirmed' END
            WHEN o.at > %(now)s::timestamptz - interval '20 minutes' THEN 'queued'
            WHEN o.n %% 20000 = 5 THEN 'unknown'
            WHEN o.n %% 10000 = 3 THEN 'rejected'
            WHEN o.n %% 1000 = 2 THEN 'expired'
            WHEN u(o.n, 3) < 0.11 THEN 'suppressed'
            WHEN u(o.n, 3) < 0.14 THEN 'cancelled'
            WHEN o.at > %(now)s::timestamptz - interval '1 hour' THEN 'accepted'
            WHEN u(o.n, 3) < 0.16 THEN 'undelivered'
            WHEN u(o.n, 3) < 0.18 THEN 'unconfirmed'
            ELSE 'delivered'
        END AS state
) AS s
CROSS JOIN LATERAL (
    SELECT o.kind <> 'reply' AND s.state NOT IN ('suppressed', 'cancelled', 'expired', 'queued') AS went
) AS w;
"""
# Run 1 is the busy run: it planned, sent and settled all its messages.
_WORK: LiteralString = """
CREATE FUNCTION public.run_of(message bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN message > %(messages)s::bigint * 99 / 100 - %(busy)s AND message <= %(messages)s::bigint * 99 / 100 THEN 1
    ELSE 2 + message / 2000
END;
INSERT INTO motcua.runs (run_no, dag_id, run_id, began_at)
OVERRIDING SYSTEM VALUE
SELECT
    n, 'notify_transitions', 'run ' || n,
    %(now)s::timestamptz - (1 - n * 2000.0 / %(messages)s) * %(days)s * interval '1 day'
FROM generate_series(1, 3 + %(messages)s::bigint / 2000) AS n;
INSERT INTO motcua.pick_ups (run_no, source_id, agency_code, transitions, dossiers)
SELECT 1, 1, agency_code, 3000, 1000 FROM motcua.agencies;
INSERT INTO motcua.attempts (
    message_id, gateway, reference, sender_id, run_id, run_no, msisdn, state, started_at, answered_at, outcome,
    segments, settle_at
)
SELECT
    message_id, 'kannel', md5(message_id::text), 1, 'run ' || run_of(message_id), run_of(message_id),
    coalesce(msisdn, '+84905000000'), CASE state WHEN 'unconfirmed' THEN 'accepted' ELSE state END,
    recorded_at + interval '1 second', CASE WHEN state <> 'unknown' THEN accepted_at END,
    CASE WHEN state = 'unknown' THEN 'unknown' ELSE 'accepted' END, 1,
    CASE WHEN state IN ('unknown', 'accepted') THEN accepted_at END
FROM motcua.messages
WHERE
    attempts_made > 0
    AND (state = 'unknown' OR recorded_at > %(now)s::timestamptz - %(young)s * interval '1 day');
UPDATE motcua.messages SET useful_until = %(now)s::timestamptz + interval '1 day'
WHERE state = 'unknown' AND message_id > %(messages)s::bigint * 9 / 10;
INSERT INTO motcua.message_history (message_id, changed_at, from_state, to_state, to_reason, run_no)
SELECT m.message_id, h.at, h.from_state, h.to_state, h.reason, CASE WHEN h.by_run THEN run_of(m.message_id) END
FROM motcua.messages AS m
CROSS JOIN LATERAL (
    VALUES
    (
        m.planned_at, NULL, CASE WHEN m.state IN ('suppressed', 'cancelled') THEN m.state ELSE 'queued' END,
        CASE WHEN m.state IN ('suppressed', 'cancelled') THEN m.reason END, TRUE
    ),
    (CASE WHEN m.attempts_made > 0 THEN m.planned_at + interval '1 second' END, 'queued', 'sending', NULL, TRUE),
    (m.accepted_at, 'sending', 'accepted', NULL, TRUE),
    (
        CASE WHEN m.state NOT IN ('queued', 'suppressed', 'cancelled', 'accepted') THEN m.changed_at END,
        'accepted', m.state, m.reason, m.state NOT IN ('delivered', 'undelivered')
    )
) AS h (at, from_state, to_state, reason, by_run)
WHERE h.at IS NOT NULL AND m.recorded_at > %(now)s::timestamptz - %(young)s * interval '1 day';
INSERT INTO motcua.releases (message_id, attempt_id, released_at, released_by, reason)
SELECT a.message_id, a.attempt_id, a.started_at + interval '1 hour', 'lan', 'nhà mạng chưa nhận'
FROM motcua.attempts AS a WHERE a.attempt_id %% 5000 = 0;
INSERT INTO motcua.inquiries (
    gateway, dedupe_key, received_at, msisdn, text, asked_code, outcome, dossier_id, agency_code, as_of, fee, message_id
)
SELECT
    'kannel', 'inquiry ' || m.message_id, m.recorded_at, m.msisdn, 'MCKH', o.code,
    CASE WHEN m.dossier_id IS NOT NULL THEN 'answered' WHEN o.code IS NOT NULL THEN 'unknown_code' ELSE 'help' END,
    m.dossier_id, m.agency_code, CASE WHEN m.dossier_id IS NOT NULL THEN m.recorded_at END, 1000, m.message_id
FROM motcua.messages AS m
CROSS JOIN LATERAL (SELECT CASE WHEN m.message_id %% 90 <> 9 THEN 'X' || m.message_id / 60 END AS code) AS o
WHERE m.kind = 'reply';
"""
# Write one dossier with more history than one page shows.
_BUSY_DOSSIER: LiteralString = """
INSERT INTO motcua.dossiers (
    dossier_id, source_id, agency_code, dossier_code, procedure_code, applicant_name, applicant_phone, msisdn,
    received_at, due_at, status_code, at_one_stop_desk, updated_at, picked_up_at
)
OVERRIDING SYSTEM VALUE
SELECT
    %(dossiers)s + 1, 1, 'B000', '000.00.00.H32-26-BUSY', '1.000007', 'Nguyễn Thị Bận', '0905999999', '+84905999999',
    %(now)s::timestamptz - interval '50 days', %(now)s::timestamptz + interval '5 days', 9, TRUE,
    %(now)s::timestamptz - interval '1 hour', %(now)s::timestamptz;
INSERT INTO motcua.transitions (
    transition_id, source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk, occurred_at,
    recorded_at, picked_up_at, planned_at, outcome, actor
)
OVERRIDING SYSTEM VALUE
SELECT
    -5 * d.dossier_id - n, 1, 5 * d.dossier_id + n, d.dossier_id, n, CASE n %% 2 WHEN 0 THEN 9 ELSE 4 END, n %% 2 = 0,
    t.at, t.at, t.at, t.at, 'no_occasion', 'can.bo'
FROM motcua.dossiers AS d
CROSS JOIN generate_series(1, %(most_steps)s) AS n
CROSS JOIN LATERAL (SELECT d.received_at + n * interval '1 hour' AS at) AS t
WHERE d.dossier_id = %(dossiers)s + 1;
INSERT INTO motcua.dossier_versions (
    dossier_id, seen_at, updated_at, procedure_code, received_at, due_at, status_code, at_one_stop_desk, applicant_phone
)
SELECT
    d.dossier_id, t.at, t.at, d.procedure_code, d.received_at, d.due_at + n * interval '1 hour', 4, FALSE,
    '0905' || to_char(n, 'FM000000')
FROM motcua.dossiers AS d
CROSS JOIN generate_series(1, %(most_entries)s) AS n
CROSS JOIN LATERAL (SELECT d.received_at + n * interval '1 hour' AS at) AS t
WHERE d.dossier_id = %(dossiers)s + 1;
WITH busy AS (
    INSERT INTO motcua.messages (
        message_id, kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, msisdn, text,
        template_id, template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at,
        useful_until, next_attempt_at, attempts_made, accepted_at, changed_at, carrier
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        %(messages)s + n, k.kind, d.dossier_id, d.agency_code,
        d.procedure_code, 'busy ' || n, CASE k.kind WHEN 'result' THEN -5 * d.dossier_id - n END, 'delivered', d.msisdn,
        'Thong bao: Ho so da duoc giai quyet xong. Moi Ong/Ba den Bo phan Mot cua de nhan ket qua', 'result', 1,
        ARRAY[d.dossier_code, 'Cơ quan'], FALSE, 1, t.at, t.at, t.at, t.at + interval '3 days', t.at, 1, t.at, t.at,
        'MobiFone'
    FROM motcua.dossiers AS d
    CROSS JOIN generate_series(1, %(most_entries)s) AS n
    CROSS JOIN LATERAL (SELECT d.received_at + n * interval '1 hour' AS at) AS t
    CROSS JOIN LATERAL (
        SELECT CASE WHEN n <= %(most_steps)s AND n %% 2 = 0 THEN 'result' ELSE 'reply' END AS kind
    ) AS k
    WHERE d.dossier_id = %(dossiers)s + 1
    RETURNING *
),

moves AS (
    INSERT INTO motcua.message_history (message_id, changed_at, from_state, to_state)
    SELECT b.message_id, b.planned_at, s.was, s.became
    FROM busy AS b
    CROSS JOIN (
        VALUES (NULL, 'queued'), ('queued', 'sending'), ('sending', 'accepted'), ('accepted', 'delivered')
    ) AS s (was, became)
),

asked AS (
    INSERT INTO motcua.inquiries (
        gateway, dedupe_key, received_at, msisdn, text, asked_code, outcome, dossier_id, agency_code, as_of, fee,
        message_id
    )
    SELECT
        'kannel', 'busy ' || b.message_id, b.recorded_at, b.msisdn, 'MCKH', '000.00.00.H32-26-BUSY', 'answered',
        b.dossier_id, b.agency_code, b.recorded_at, 1000, b.message_id
    FROM busy AS b WHERE b.kind = 'reply'
),

tried AS (
    INSERT INTO motcua.attempts (
        message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at, answered_at, outcome, segments
    )
    SELECT
        b.message_id, 'kannel', md5(b.message_id::text), 1, 'run 2', b.msisdn, 'delivered', b.recorded_at,
        b.accepted_at, 'accepted', 1
    FROM busy AS b
    RETURNING attempt_id, reference, answered_at
),

receipts AS (
    INSERT INTO motcua.receipts (gateway, received_at, reference, gateway_status, raw)
    SELECT 'kannel', t.answered_at, t.reference, '1', '{}' FROM tried AS t
    RETURNING receipt_id, reference
)

INSERT INTO motcua.receipt_readings (receipt_id, attempt_id, meaning, effect)
SELECT r.receipt_id, t.attempt_id, 'delivered', 'applied'
FROM receipts AS r
INNER JOIN tried AS t ON r.reference = t.reference;
INSERT INTO motcua.quarantine (
    source_id, row_kind, row_key, reason, agency_code, dossier_code, payload, first_seen_at, last_seen_at
)
SELECT
    1, 'transition', k.number::text, 'agency_unknown', k.agency_code, k.dossier_code,
    jsonb_build_object(
        'transition_id', k.number, 'agency_code', k.agency_code, 'dossier_code', k.dossier_code, 'status_code', 4,
        'at_one_stop_desk', FALSE, 'occurred_at', %(now)s::timestamptz, 'recorded_at', %(now)s::timestamptz
    ),
    %(now)s, %(now)s
FROM generate_series(1, 20000) AS n
CROSS JOIN LATERAL (
    SELECT 90000000 + n AS number, 'X' || n %% 100 AS agency_code, 'Q' || n AS dossier_code
) AS k;
"""


def fill_ledger(dsn: str, now: datetime, dossiers: int = DOSSIERS, messages: int = MESSAGES, days: int = DAYS) -> None:
    """Write the ledger's last ``days`` days up to ``now``, and run ANALYZE.

    The SQL also writes what triggers would add.
    """
    values = {
        "now": now,
        "dossiers": dossiers,
        "messages": messages,
        "days": days,
        "young": YOUNG_DAYS,
        "busy": min(BUSY_RUN, messages // 20),
        "most_steps": BUSY_STEPS,
        "most_entries": BUSY_ENTRIES,
    }
    tables = (
        "dossiers",
        "transitions",
        "dossier_versions",
        "messages",
        "message_history",
        "attempts",
        "inquiries",
        "releases",
    )
    with quick_filling(dsn, tables) as connection:
        for part in (_PLACES, _DOSSIERS, _MESSAGES, _WORK, _BUSY_DOSSIER):
            # A text with several statements can have parameters only if the client inserts them.
            psycopg.ClientCursor(connection).execute(part, values)
            # The next part looks up rows that this part wrote.
            connection.execute("ANALYZE")
        fill_reports(connection, now, days)
        for table in ("dossiers", "transitions", "messages"):
            connection.execute(
                f"SELECT setval(pg_get_serial_sequence('motcua.{table}', '{table[:-1]}_id'), 20000000)"  # type: ignore[arg-type]
            )
