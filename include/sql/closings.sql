-- Find when a period may be closed, which closings exist, and which periods must be compared with their sources again.
-- A closing holds the figures of a finished day, month, quarter or year, counted once and stored. Its cut-off (as_of)
-- is the time up to which the facts in the ledger count. Called by store/oversight/closings.py.

-- name: first_event
-- Return when the first event with a message was recorded; citizens' inquiries do not count (motcua.messages).
SELECT m.recorded_at
FROM motcua.messages AS m
WHERE m.kind <> 'reply'
ORDER BY m.recorded_at
LIMIT 1;

-- name: first_day
-- Return the first day that has a closing (motcua.closings).
SELECT min(c.period) AS period
FROM motcua.closings AS c
WHERE c.period_length = 'day';

-- name: watermark
-- Return the watermark of this moment: the largest numbers in the ledger's tables, and the number that PostgreSQL gives
-- to the next transaction (motcua.dossier_versions, motcua.transitions, motcua.message_history and others). The rows up
-- to these numbers are all visible once every transaction that began earlier has ended.
SELECT
    coalesce((SELECT max(version_id) FROM motcua.dossier_versions), 0) AS known_version,
    coalesce((SELECT max(transition_id) FROM motcua.transitions), 0) AS known_transition,
    coalesce((SELECT max(history_id) FROM motcua.message_history), 0) AS known_history,
    coalesce((SELECT max(attempt_id) FROM motcua.attempts), 0) AS known_attempt,
    coalesce((SELECT max(inquiry_id) FROM motcua.inquiries), 0) AS known_inquiry,
    coalesce((SELECT max(receipt_id) FROM motcua.receipts), 0) AS known_receipt,
    coalesce(
        (SELECT max(run_no) FROM motcua.quality_runs WHERE sealed_at IS NOT NULL), 0
    ) AS known_quality_run,
    pg_snapshot_xmax(pg_current_snapshot())::text AS horizon;

-- name: is_settled
-- Return whether every transaction that began before the watermark was read has ended.
SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %(horizon)s::text::xid8 AS is_settled;

-- name: evenings
-- Return the evenings in [start, end) on which an agency's apologies for late results were planned or found to be
-- missed (motcua.apology_evenings). Evenings on days off are left out. Each row has the first and the last due day that
-- the apologies are about.
SELECT
    agency_code,
    evening_at,
    first_due,
    last_due
FROM motcua.apology_evenings
WHERE evening_at >= %(start)s AND evening_at < %(end)s AND state <> 'day_off';

-- name: data_as_of
-- Return the earliest of the times at which these sources were last read (motcua.sources). The result is NULL if one of
-- the sources was never read.
SELECT CASE WHEN count(*) = count(s.picked_up_at) THEN min(s.picked_up_at) END AS data_as_of
FROM unnest(%(sources)s::text[]) AS n (name)
LEFT JOIN motcua.sources AS s ON n.name = s.name;

-- name: last_closing
-- Return the newest closing of a period (audit.closings).
SELECT closing_no
FROM audit.closings
WHERE period = %(period)s
ORDER BY closing_no DESC
LIMIT 1;

-- name: newest_closings
-- Return the newest closing of each of these periods (audit.closings). If a number is given, only closings with smaller
-- numbers count.
SELECT DISTINCT ON (period)
    period,
    closing_no
FROM audit.closings
WHERE period = any(%(periods)s::text[]) AND (%(below)s::bigint IS NULL OR closing_no < %(below)s)
ORDER BY period, closing_no DESC;

-- name: days_behind
-- Return those of the given days whose newest closing may not count all messages of the day, because the number of a
-- message is larger than the closing's known_message (audit.messages, audit.closings). The days lie in [start, end), in
-- Vietnam's time zone.
WITH days AS (
    SELECT DISTINCT ON (c.period)
        c.period::date AS day,
        c.known_message
    FROM audit.closings AS c
    WHERE c.period = any(%(days)s::text[])
    ORDER BY c.period, c.closing_no DESC
)

SELECT DISTINCT d.day
FROM audit.messages AS m
INNER JOIN days AS d ON (m.recorded_at AT TIME ZONE interval '+07:00')::date = d.day
WHERE m.recorded_at >= %(start)s AND m.recorded_at < %(end)s AND m.message_id > d.known_message;

-- name: to_recheck
-- Return the periods that must be compared with their sources again, the oldest first (motcua.closings). A period is
-- returned if the cut-off of its first closing lies in [closed_since, closed_before), and if no correction has a
-- cut-off that is later than this first cut-off by more than the interval "after".
SELECT c.period
FROM motcua.closings AS c
WHERE
    c.as_of >= %(closed_since)s AND c.as_of < %(closed_before)s AND c.corrects IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM motcua.closings AS n
        WHERE n.period = c.period AND n.corrects IS NOT NULL AND n.as_of > c.as_of + %(after)s::interval
    )
ORDER BY c.as_of, array_position(ARRAY['day', 'month', 'quarter', 'year'], c.period_length), c.period;
