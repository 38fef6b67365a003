"""Measure how long it takes to close a month with ten million messages, without the queries at the sources.

The closings of the month's days already exist.
"""

from __future__ import annotations

import os
import resource
import time
from datetime import datetime

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.reconciliation import sum_messages
from motcua.jobs.reconciliation.closing import close_period
from motcua.settings import settings
from motcua.store.oversight.closings import load_figures
from tests.bench.filling import quick_filling
from tests.ground import in_ledger

MONTH = Period.parse("2026-10")
LIMIT = 15.0
# Make as many agencies and procedures as a province has; each dossier has about 2.5 messages.
WORLD = """
INSERT INTO motcua.agencies (agency_code, name, short_name, enabled_from)
SELECT 'H' || n, 'Cơ quan ' || n, NULL, '2026-01-01' FROM generate_series(1, 13) AS n;
INSERT INTO motcua.procedures (procedure_code, name)
SELECT '1.' || n, 'Thủ tục ' || n FROM generate_series(1, 120) AS n;
INSERT INTO motcua.dossiers (
    source_id, agency_code, dossier_code, procedure_code, msisdn, received_at, due_at, status_code, finished_at,
    updated_at, picked_up_at
)
SELECT
    1, 'H' || 1 + n %% 13, 'D' || n, '1.' || 1 + n %% 120, '+84905' || lpad((n %% 1000000)::text, 6, '0'),
    m.at - interval '5 days', m.at + interval '8 hours' + (n %% 3 - 1) * interval '1 day', 10, m.at, m.at, now()
FROM generate_series(1, %(dossiers)s) AS n
CROSS JOIN LATERAL (
    SELECT timestamptz '2026-10-01 01:00+00' + n * 2500000.0 / %(dossiers)s * interval '1 second' AS at
) AS m;
INSERT INTO motcua.dossier_versions (
    dossier_id, seen_at, updated_at, procedure_code, received_at, due_at, status_code, at_one_stop_desk, finished_at
)
SELECT dossier_id, updated_at, updated_at, procedure_code, received_at, due_at, status_code, FALSE, finished_at
FROM motcua.dossiers;
INSERT INTO motcua.messages (
    kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, msisdn, text, template_id,
    template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
    next_attempt_at, attempts_made, accepted_at, changed_at
)
SELECT
    CASE WHEN n %% 10 < 7 THEN 'result' WHEN n %% 10 < 9 THEN 'supplement' ELSE 'apology' END,
    1 + n %% %(dossiers)s, 'H' || 1 + n %% 13, '1.' || 1 + n %% 120, 'occasion ' || n,
    CASE WHEN n %% 10 < 9 THEN n END,
    CASE WHEN n %% 20 < 12 THEN 'delivered' WHEN n %% 20 < 17 THEN 'suppressed' WHEN n %% 20 < 19 THEN 'undelivered'
        ELSE 'cancelled' END,
    CASE WHEN n %% 20 BETWEEN 12 AND 16 THEN (ARRAY['missing', 'landline', 'dummy', 'foreign'])[1 + n %% 4]
        WHEN n %% 20 = 19 THEN 'taken_back' END,
    '+84905' || lpad((n %% 1000000)::text, 6, '0'),
    'Ho so cua quy Ong/Ba (000.00.30.H32-261001-' || lpad(n::text, 8, '0') || ') da co ket qua tai Bo phan Mot cua.',
    'result', 1, ARRAY['000.00.30.H32-261001-' || lpad(n::text, 8, '0')], FALSE, 1,
    m.at, m.at, m.at, m.at + interval '3 days', m.at, 1, m.at + interval '2 seconds',
    m.at + (n %% 900) * interval '0.7 seconds'
FROM generate_series(1, %(messages)s) AS n
CROSS JOIN LATERAL (
    SELECT timestamptz '2026-10-01 01:00+00' + n * 2500000.0 / %(messages)s * interval '1 second' AS at
) AS m;
INSERT INTO motcua.message_history (message_id, changed_at, to_state)
SELECT message_id, planned_at, 'queued' FROM motcua.messages;
INSERT INTO motcua.message_history (message_id, changed_at, from_state, to_state)
SELECT message_id, changed_at, 'queued', state FROM motcua.messages;
"""
"""SQL that fills the month. It also writes the rows that triggers would add; with triggers it would take hours."""
LATE = """
INSERT INTO motcua.message_history (message_id, changed_at, from_state, to_state)
SELECT message_id, now(), state, 'delivered' FROM motcua.messages WHERE state = 'undelivered' LIMIT 100000
"""
DAYS = """
WITH closings AS (
    INSERT INTO motcua.closings (
        period, run_id, as_of, known_version, known_transition, known_history, known_message, known_inquiry,
        known_receipt, figures_hash, difference, unexplained
    )
    SELECT
        d.day::date::text, 'bench', d.day + interval '1 day 6 hours', 0, 0, h.known,
        coalesce(max(m.message) OVER (ORDER BY d.day), 0), 0, 0, repeat('0', 64), 0, 0
    FROM generate_series(timestamp '2026-10-01', timestamp '2026-10-31', interval '1 day') AS d (day)
    CROSS JOIN (SELECT max(history_id) AS known FROM motcua.message_history) AS h
    LEFT JOIN (
        SELECT (recorded_at AT TIME ZONE interval '+07:00')::date AS day, max(message_id) AS message
        FROM motcua.messages
        GROUP BY 1
    ) AS m ON d.day::date = m.day
    RETURNING closing_no, period
)
INSERT INTO motcua.closing_messages (
    closing_no, agency_code, procedure_code, kind, at_source, out_of_scope, only_source, only_ledger, suppressed,
    cancelled, expired, queued, sending, unknown, rejected, accepted, delivered, undelivered, unconfirmed, segments
)
SELECT
    c.closing_no, m.agency_code, m.procedure_code, m.kind, count(*), 0, 0, 0,
    count(*) FILTER (WHERE m.state = 'suppressed'), count(*) FILTER (WHERE m.state = 'cancelled'), 0, 0, 0, 0, 0, 0,
    count(*) FILTER (WHERE m.state = 'delivered'), count(*) FILTER (WHERE m.state = 'undelivered'), 0, count(*)
FROM motcua.messages AS m
INNER JOIN closings AS c ON (m.recorded_at AT TIME ZONE interval '+07:00')::date = c.period::date
GROUP BY c.closing_no, m.agency_code, m.procedure_code, m.kind
"""


def bench(dsn: str) -> list[tuple[str, str, str, bool]]:
    messages = int(os.environ.get("BENCH_MESSAGES", "10000000"))
    started = time.perf_counter()
    fill(dsn, messages)
    built = time.perf_counter() - started
    # Name no source, because counting at a source is work of the source's own database.
    os.environ["MOTCUA_SOURCES"] = ""
    settings.cache_clear()
    started = time.perf_counter()
    result = close_period(MONTH, "bench", datetime(2026, 11, 1, 7, 30, tzinfo=VIETNAM))
    seconds = time.perf_counter() - started
    whole = sum_messages(in_ledger(load_figures, result.closing.closing_no).messages)
    good = seconds <= LIMIT and whole.messages == whole.expected == messages and result.closing.difference == 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = f"a month over {whole.messages:,} messages (built in {built:.0f} s); difference {result.closing.difference}"
    return [(what, f"{seconds:.1f} s, {peak:.0f} MB: {seconds / LIMIT:.2f} of the limit", f"≤ {LIMIT:.0f} s", good)]


def fill(dsn: str, messages: int) -> None:
    """Write the month with this number of messages, and the closings of its days."""
    with quick_filling(dsn, ("dossiers", "dossier_versions", "messages", "message_history")) as connection:
        for each in WORLD.split(";\n"):
            if each.strip():
                connection.execute(each, {"messages": messages, "dossiers": max(messages * 2 // 5, 1)})
        connection.execute(DAYS)
        connection.execute(LATE)
