"""Write by SQL what a ledger has after years besides messages: checks, closings, carrier statements, complaints."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from motcua.jobs.handed_in.statement_files import load_form
from motcua.jobs.handed_in.statements import statement_terms
from motcua.quality.rules import load_rules
from motcua.store.oversight import closings, statements

# Write one quality check a day. Eight of a hundred dossiers had a finding once, and half of these findings are open.
# The shares of dossiers with a usable phone number are written only for the newest check (by procedure and by user of
# the one-stop desk), because pages read no other check's shares.
_QUALITY: LiteralString = """
INSERT INTO motcua.quality_runs (
    run_no, run_id, as_of, day, working_day, since, data_as_of, rules, thresholds, software, dossiers, content_hash,
    previous_seal, seal, sealed_at
)
OVERRIDING SYSTEM VALUE
SELECT
    n, 'check ' || n, d.at, (d.at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date,
    extract(isodow FROM d.at AT TIME ZONE 'Asia/Ho_Chi_Minh') < 6, (d.at - interval '180 days')::date, d.at,
    %(rules)s, %(thresholds)s, 'bench', (SELECT count(*) FROM motcua.dossiers), encode(sha256(n::text::bytea), 'hex'),
    encode(sha256(('p' || n)::bytea), 'hex'), encode(sha256(('s' || n)::bytea), 'hex'), d.at
FROM generate_series(1, %(days)s) AS n
CROSS JOIN LATERAL (SELECT %(now)s::timestamptz - (%(days)s - n + 0.2) * interval '1 day' AS at) AS d;
INSERT INTO motcua.quality_results (run_no, rule, status, found, rows_hash)
SELECT q.run_no, r.code, 'checked', 100, repeat('0', 64)
FROM motcua.quality_runs AS q
CROSS JOIN unnest(%(codes)s::text[]) AS r (code);
INSERT INTO motcua.quality_agencies (run_no, agency_code, dossiers, textable)
SELECT q.run_no, d.agency_code, d.dossiers, d.dossiers * 8 / 10
FROM motcua.quality_runs AS q
CROSS JOIN (SELECT agency_code, count(*) AS dossiers FROM motcua.dossiers GROUP BY agency_code) AS d;
INSERT INTO motcua.findings (finding_id, rule, subject, level, agency_code, dossier_id, since, facts, first_run)
OVERRIDING SYSTEM VALUE
SELECT
    row_number() OVER (ORDER BY d.dossier_id, r.n), r.code, d.dossier_id::text, 'dossier', d.agency_code, d.dossier_id,
    d.received_at, '{"problem": "quá ngắn", "told": "đã nhắn", "how": "sai", "due": "01/11/2026"}',
    1 + floor(u(d.dossier_id, 20) * (%(days)s - 1))::integer
FROM motcua.dossiers AS d
CROSS JOIN LATERAL unnest(%(of_dossiers)s::text[]) WITH ORDINALITY AS r (code, n)
WHERE
    (u(d.dossier_id, 21) < 0.08 OR d.dossier_code LIKE '%%-BUSY')
    AND r.n = 1 + floor(cardinality(%(of_dossiers)s::text[]) * u(d.dossier_id, 22))
    OR d.dossier_code LIKE '%%-BUSY';
INSERT INTO motcua.finding_episodes (finding_id, opened_run, closed_run, again, deadline, department_on)
SELECT
    finding_id, first_run, CASE WHEN finding_id %% 2 = 0 AND first_run + 9 <= %(days)s THEN first_run + 9 END, FALSE,
    (since + interval '7 days')::date, (since + interval '14 days')::date
FROM motcua.findings;
INSERT INTO motcua.finding_acknowledgements (finding_id, acknowledged_at, acknowledged_by, why, until)
SELECT finding_id, %(now)s, 'lan', 'đang xác minh', (%(now)s::timestamptz + interval '30 days')::date
FROM motcua.findings WHERE finding_id %% 20 = 1;
INSERT INTO motcua.quality_counts (
    run_no, rule, agency_code, found, acknowledged, remind_agency, remind_department
)
SELECT q.run_no, f.rule, f.agency_code, f.found, f.found / 20, f.found / 10, f.found / 4
FROM motcua.quality_runs AS q
CROSS JOIN (
    SELECT f.rule, f.agency_code, count(*) AS found FROM motcua.findings AS f GROUP BY f.rule, f.agency_code
) AS f;
INSERT INTO motcua.quality_shares (
    run_no, agency_code, dimension, key, month, dossiers, textable, previous_dossiers, previous_textable
)
SELECT %(days)s, d.agency_code, s.dimension, s.key, date_trunc('month', %(now)s::timestamptz)::date, count(*),
    count(d.msisdn), count(*), count(d.msisdn)
FROM motcua.dossiers AS d
CROSS JOIN LATERAL (
    VALUES ('agency', ''), ('procedure', d.procedure_code), ('desk_user', 'CB-' || d.dossier_id %% 20)
) AS s (dimension, key)
WHERE d.received_at >= %(now)s::timestamptz - interval '30 days'
GROUP BY d.agency_code, s.dimension, s.key;
INSERT INTO motcua.quality_suggestions (run_no, agency_code, kind, facts)
SELECT
    %(days)s, agency_code, 'hold_time',
    '{"told": 100, "taken_back": 12, "within_minutes": 30, "hold_minutes": 30, "present_hold_minutes": 10,'
    ' "prevented": 9}'
FROM motcua.agencies;
INSERT INTO motcua.quality_sources (run_no, source_id, picked_up_at, last_transition_at, quarantined, failing)
SELECT run_no, 1, as_of, as_of, 10, FALSE FROM motcua.quality_runs;
INSERT INTO motcua.report_mails (
    report, report_no, body, recipient_hash, edition, state, attempts, reserved_at, settled_at
)
SELECT 'quality', q.run_no, g.agency_code, repeat('0', 64), 1, 'sent', 1, q.as_of, q.as_of
FROM motcua.quality_runs AS q
CROSS JOIN motcua.agencies AS g;
"""
# Write one closing for each day and month; every third of the last sixty days is corrected twice. The figures about
# messages are counted from the messages. Figures about dossiers, times to delivery, and the reasons of messages' states
# exist only for the closings that pages read completely: those of the last three days and of every month.
_CLOSINGS: LiteralString = """
CREATE UNLOGGED TABLE public.cells AS
SELECT
    (m.recorded_at AT TIME ZONE interval '+07:00')::date AS day, coalesce(m.agency_code, '') AS agency_code,
    coalesce(m.procedure_code, '') AS procedure_code, m.kind, m.state, coalesce(m.reason, '') AS reason,
    count(*)::integer AS messages
FROM motcua.messages AS m
WHERE m.recorded_at < date_trunc('day', %(now)s::timestamptz AT TIME ZONE interval '+07:00') - interval '7 hours'
GROUP BY 1, 2, 3, 4, 5, 6;
ANALYZE public.cells;
CREATE UNLOGGED TABLE public.periods AS
SELECT
    row_number() OVER (ORDER BY p.last_day, p.period, t.time) AS closing_no, p.period, p.first_day, p.last_day, t.time,
    p.last_day > (SELECT max(day) FROM public.cells) - 3 OR char_length(p.period) = 7 AS is_read
FROM (
    SELECT day::text AS period, day AS first_day, day AS last_day FROM public.cells GROUP BY day
    UNION ALL
    SELECT to_char(day, 'YYYY-MM'), min(day), max(day) FROM public.cells
    GROUP BY to_char(day, 'YYYY-MM')
    HAVING extract(day FROM max(day) + 1) = 1
) AS p
CROSS JOIN LATERAL generate_series(
    1, CASE WHEN p.first_day > (SELECT max(day) - 60 FROM public.cells) AND p.last_day - p.first_day < 9
        AND extract(day FROM p.last_day)::integer %% 3 = 0 THEN 3 ELSE 1 END
) AS t (time);
CREATE VIEW public.cells_of AS
SELECT p.closing_no, p.is_read, c.*
FROM public.periods AS p
INNER JOIN public.cells AS c ON p.period = c.day::text
UNION ALL
SELECT p.closing_no, p.is_read, c.*
FROM public.periods AS p
INNER JOIN public.cells AS c ON p.period = to_char(c.day, 'YYYY-MM');
INSERT INTO motcua.closings (
    closing_no, period, corrects, run_id, as_of, known_version, known_transition, known_history, known_message,
    known_inquiry, known_receipt, segment_price, figures_hash, difference, unexplained
)
OVERRIDING SYSTEM VALUE
SELECT
    closing_no, period, CASE WHEN time > 1 THEN closing_no - 1 END, 'close ' || last_day,
    last_day + interval '1 day 6 hours', k.version, 0, k.history, k.message, 0, 0, 300, repeat('0', 64), 0, 0
FROM public.periods
CROSS JOIN (
    SELECT
        (SELECT max(version_id) FROM motcua.dossier_versions) AS version,
        (SELECT max(history_id) FROM motcua.message_history) AS history,
        (SELECT max(message_id) FROM motcua.messages) AS message
) AS k;
INSERT INTO motcua.closing_messages (
    closing_no, agency_code, procedure_code, kind, at_source, out_of_scope, only_source, only_ledger, suppressed,
    cancelled, expired, queued, sending, unknown, rejected, accepted, delivered, undelivered, unconfirmed, segments
)
SELECT
    c.closing_no, c.agency_code, c.procedure_code, c.kind, sum(c.messages), 0, 0, 0,
    coalesce(sum(c.messages) FILTER (WHERE c.state = 'suppressed'), 0),
    coalesce(sum(c.messages) FILTER (WHERE c.state = 'cancelled'), 0),
    coalesce(sum(c.messages) FILTER (WHERE c.state = 'expired'), 0), 0, 0,
    coalesce(sum(c.messages) FILTER (WHERE c.state = 'unknown'), 0),
    coalesce(sum(c.messages) FILTER (WHERE c.state = 'rejected'), 0),
    coalesce(sum(c.messages) FILTER (WHERE c.state = 'accepted'), 0),
    coalesce(sum(c.messages) FILTER (WHERE c.state = 'delivered'), 0),
    coalesce(sum(c.messages) FILTER (WHERE c.state = 'undelivered'), 0),
    coalesce(sum(c.messages) FILTER (WHERE c.state = 'unconfirmed'), 0),
    sum(c.messages)
FROM public.cells_of AS c
GROUP BY c.closing_no, c.agency_code, c.procedure_code, c.kind
ORDER BY c.closing_no;
INSERT INTO motcua.closing_reasons (closing_no, agency_code, procedure_code, kind, state, reason, messages)
SELECT c.closing_no, c.agency_code, c.procedure_code, c.kind, c.state, c.reason, sum(c.messages)
FROM public.cells_of AS c
WHERE c.is_read AND c.reason <> ''
GROUP BY c.closing_no, c.agency_code, c.procedure_code, c.kind, c.state, c.reason
ORDER BY c.closing_no;
INSERT INTO motcua.closing_dossiers (
    closing_no, agency_code, procedure_code, carried_over, received, received_online, received_postal, resolved_early,
    resolved_on_time, resolved_late, resolved_without_due, withdrawn, open_in_time, open_late, paused_in_time,
    paused_late, due, handed_over
)
SELECT p.closing_no, d.agency_code, d.procedure_code, 9, 5, 2, 1, 2, 1, 1, 0, 0, 8, 1, 1, 0, 4, 3
FROM public.periods AS p
CROSS JOIN (
    SELECT DISTINCT agency_code, procedure_code FROM motcua.dossiers
    WHERE received_at >= %(now)s::timestamptz - interval '60 days'
) AS d
WHERE p.is_read;
INSERT INTO motcua.closing_agencies (
    closing_no, agency_code, apologies_right, apologies_wrong, apologies_stopped, late_untold, inquiries, inquiry_fees,
    told_without_result, findings_open
)
SELECT p.closing_no, g.agency_code, 90, 10, 2, 5, 20, 20000, 1, 40
FROM public.periods AS p
CROSS JOIN motcua.agencies AS g;
INSERT INTO motcua.closing_timings (
    closing_no, agency_code, procedure_code, kind, delivered, median_seconds, p95_seconds
)
SELECT c.closing_no, c.agency_code, NULL, c.kind, sum(c.delivered), 9, 20
FROM motcua.closing_messages AS c
WHERE c.closing_no = any(array(SELECT p.closing_no FROM public.periods AS p WHERE p.is_read))
GROUP BY c.closing_no, c.agency_code, c.kind
HAVING sum(c.delivered) > 0;
INSERT INTO motcua.closing_differences (
    closing_no, side, reason, agency_code, procedure_code, kind, dossier_code, source_id, source_transition_id,
    occurred_at
)
SELECT
    p.closing_no, 'source', (ARRAY['quarantined', 'cut_off', 'missing'])[1 + n %% 3], 'B' || to_char(n %% 100, 'FM000'),
    '1.000007', 'result', 'D' || n, 1, n, p.last_day
FROM public.periods AS p
CROSS JOIN generate_series(1, 300) AS n;
INSERT INTO motcua.closing_orphans (closing_no, sort, agency_code, procedure_code, dossier_code, happened_at)
SELECT
    p.closing_no, 'handed_over_untold', 'B' || to_char(n %% 100, 'FM000'), '1.000007', 'D' || n, p.last_day
FROM public.periods AS p
CROSS JOIN generate_series(1, 500) AS n;
INSERT INTO motcua.publications (
    publication_no, closing_no, folder, manifest_sha256, previous_sha256, manifest
)
SELECT
    p.closing_no, p.closing_no, p.period || '/' || p.closing_no, encode(sha256(p.closing_no::text::bytea), 'hex'),
    encode(sha256((p.closing_no - 1)::text::bytea), 'hex'), jsonb_build_object('files', (
        SELECT jsonb_agg(jsonb_build_object('name', 'agencies/' || g.agency_code || '.xlsx', 'sha256', repeat('0', 64)))
        FROM motcua.agencies AS g
    ))
FROM public.periods AS p;
DROP VIEW public.cells_of;
DROP TABLE public.cells, public.periods;
"""
# The carrier statement of the last month lists every attempt of that month; one line in a hundred differs from its
# attempt.
_REST: LiteralString = """
INSERT INTO motcua.carrier_statements (
    statement_no, form, gateway, month, covers_until, file_name, sha256, imported_at, imported_by, terms, lines,
    segments, amount, inquiries, revenue
)
OVERRIDING SYSTEM VALUE
SELECT
    n, 'kannel', 'kannel', m.month, m.month + interval '1 month', 'kannel-' || n || '.csv',
    encode(sha256(('f' || n)::bytea), 'hex'), m.month + interval '35 days', 'lan', %(terms)s, 700000, 700000, 210000000,
    70000, 70000000
FROM generate_series(1, 13) AS n
CROSS JOIN LATERAL (
    SELECT (date_trunc('month', %(now)s::timestamptz) - (14 - n) * interval '1 month')::date AS month
) AS m;
INSERT INTO motcua.statement_lines (
    statement_no, direction, line_no, reference, sent_at, segments, price, amount, carrier, status, billed
)
SELECT 13, 'mt', a.attempt_id, a.reference, a.started_at, 1, 300, 300, 'viettel', 'delivered', TRUE
FROM motcua.attempts AS a
WHERE
    a.started_at >= date_trunc('month', %(now)s::timestamptz) - interval '1 month'
    AND a.started_at < date_trunc('month', %(now)s::timestamptz);
INSERT INTO motcua.statement_matches (
    statement_no, verdict, direction, line_no, attempt_id, matched_by, differs, segments, amount
)
SELECT
    13, CASE WHEN l.line_no %% 100 = 0 THEN 'partial' ELSE 'exact' END, 'mt', l.line_no, l.line_no, 'reference',
    CASE WHEN l.line_no %% 100 = 0 THEN ARRAY['status'] ELSE '{}' END, 1, 300
FROM motcua.statement_lines AS l;
INSERT INTO motcua.complaints (
    entry_key, agency_code, dossier_code, dossier_id, received_at, channel, claim, note, recorded_by, recorded_at,
    outcome, outcome_by, outcome_at
)
SELECT
    encode(sha256(d.dossier_id::text::bytea), 'hex'), d.agency_code, d.dossier_code, d.dossier_id,
    d.received_at + interval '1 day', 'hotline',
    (ARRAY['never_received', 'wrong_person', 'other'])[1 + d.dossier_id %% 3], 'Người dân gọi hỏi', 'lan',
    d.received_at + interval '2 days', o.outcome, CASE WHEN o.outcome <> 'open' THEN 'lan' END,
    CASE WHEN o.outcome <> 'open' THEN d.received_at + interval '3 days' END
FROM motcua.dossiers AS d
CROSS JOIN LATERAL (
    SELECT CASE WHEN d.dossier_id %% 10 = 0 THEN 'open' WHEN d.dossier_id %% 3 = 0 THEN 'upheld' ELSE 'not_upheld' END
        AS outcome
) AS o
WHERE d.dossier_id %% 50 = 0;
INSERT INTO motcua.alerts (name, subject, raised_at, facts, over_at)
SELECT 'source_failing', 'nguồn ' || n, r.at, '{}', CASE WHEN n > 60 THEN r.at + interval '1 hour' END
FROM generate_series(1, 20000) AS n
CROSS JOIN LATERAL (SELECT %(now)s::timestamptz - n * interval '25 minutes' AS at) AS r;
INSERT INTO motcua.watch_life (began_at, looked_at, looks, recipients, unsent)
VALUES (%(now)s, %(now)s, '[]', 3, 0);
INSERT INTO motcua.user_agencies (user_name, agency_code, since, given_by)
SELECT 'can.bo.' || n, 'B' || to_char(n %% 100, 'FM000'), %(now)s, 'lan' FROM generate_series(1, 500) AS n;
INSERT INTO motcua.user_agency_changes (changed_at, changed_by, user_name, agency_code, change)
SELECT %(now)s, 'lan', 'can.bo.' || n %% 500, 'B' || to_char(n %% 100, 'FM000'), 'given'
FROM generate_series(1, 20000) AS n;
"""


def fill_reports(connection: psycopg.Connection[Any], now: datetime, days: int) -> None:
    """Write the reports of the ``days`` days up to ``now``, through the connection that fills the ledger.

    The ledger must already have its messages.
    """
    book = load_rules()
    words = list(book.rules.values())
    values = {
        "now": now,
        "days": days,
        "codes": [each.code for each in words],
        "of_dossiers": [each.code for each in words if each.level == "dossier"],
        "rules": Jsonb(
            [
                {"code": each.code, "severity": each.severity, "owner": each.owner, "level": each.level, "digest": ""}
                for each in words
            ]
        ),
        "thresholds": Jsonb({f"{each.rule}.{each.name}": each.value for each in book.thresholds_used()}),
        "terms": Jsonb(statement_terms(load_form("kannel"), ["mt"], {"other": "300"})),
    }
    for part in (_QUALITY, _CLOSINGS, _REST):
        psycopg.ClientCursor(connection).execute(part, values)
        connection.execute("ANALYZE")
    _add_up(connection)


def _add_up(connection: psycopg.Connection[Any]) -> None:
    """Write the sums of each closing and carrier statement; production code writes them together with the rows."""
    for (closing_no,) in connection.execute("SELECT closing_no FROM motcua.closings").fetchall():
        closings.save_sums(connection, closing_no)
    for (statement_no,) in connection.execute("SELECT statement_no FROM motcua.carrier_statements").fetchall():
        statements.save_sums(connection, statement_no)
    connection.execute("ANALYZE")
