-- Compute the facts about sources: the values that the data quality rules test. The rows that an SQL statement returns
-- are stored in the table of the schema quality that has the statement's name. A working week means five working days
-- that are over. Called by store/oversight/quality.py.

-- name: agency_days
-- Return the number of transitions of each agency and source by day, for the last five working weeks
-- (motcua.transitions). Transitions that only a dossier's row showed do not count.
SELECT t.source_id, d.agency_code, l.day, count(*) AS changes
FROM motcua.transitions AS t
INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
CROSS JOIN LATERAL (SELECT (t.occurred_at AT TIME ZONE interval '+07:00')::date AS day) AS l
WHERE
    NOT t.from_row
    AND t.occurred_at >= (
        SELECT min(n.day)::timestamp AT TIME ZONE interval '+07:00'
        FROM quality.days AS n
        INNER JOIN quality.agencies AS a ON n.calendar = a.calendar AND n.nth = a.today - 24 AND n.working
    )
GROUP BY t.source_id, d.agency_code, l.day;

-- name: source_facts
-- Return all facts about sources, for each source and for each agency in it (motcua.sources, quality.agency_days). The
-- column recent is the number of transitions in the last working week. The column usual is the average number of
-- transitions in each of the four working weeks before that week.
WITH weeks AS (
    SELECT
        d.source_id,
        d.agency_code,
        min(a.today - coalesce(n.nth, a.today)) FILTER (WHERE d.changes > 0) AS silent_days,
        sum(d.changes) FILTER (WHERE n.nth > a.today - 5 AND d.day < %(day)s) AS recent,
        sum(d.changes) FILTER (WHERE n.nth > a.today - 25 AND n.nth <= a.today - 5) / 4.0 AS usual
    FROM quality.agency_days AS d
    INNER JOIN quality.agencies AS a ON d.agency_code = a.agency_code
    LEFT JOIN quality.days AS n ON a.calendar = n.calendar AND d.day = n.day
    GROUP BY GROUPING SETS ((d.source_id), (d.source_id, d.agency_code))
),

kept_out AS (
    SELECT
        q.source_id,
        count(*) FILTER (WHERE q.reason IN ('agency_unknown', 'status_unknown', 'code_unusable')) AS unknown_codes,
        min(q.first_seen_at) FILTER (WHERE q.reason IN ('agency_unknown', 'status_unknown', 'code_unusable'))
            AS unknown_since,
        count(*) FILTER (WHERE q.reason NOT IN ('agency_unknown', 'status_unknown', 'code_unusable')) AS unusable_rows,
        min(q.first_seen_at) FILTER (WHERE q.reason NOT IN ('agency_unknown', 'status_unknown', 'code_unusable'))
            AS unusable_since
    FROM motcua.quarantine AS q
    WHERE q.released_at IS NULL
    GROUP BY q.source_id
),

failures AS (
    SELECT r.source_id, max(r.failure) AS failure FROM quality.register_readings AS r GROUP BY r.source_id
)

SELECT
    s.name || coalesce(' ' || w.agency_code, '') AS subject,
    s.source_id,
    w.agency_code,
    s.picked_up_at,
    extract(EPOCH FROM %(as_of)s - s.picked_up_at) / 3600 AS hours_unread,
    s.failed_at,
    l.recorded_at AS last_transition_at,
    greatest(w.silent_days, 0) AS silent_days,
    coalesce(w.recent, 0) AS recent,
    coalesce(w.usual, 0) AS usual,
    CASE WHEN w.agency_code IS NULL THEN coalesce(k.unknown_codes, 0) ELSE 0 END AS unknown_codes,
    k.unknown_since,
    CASE WHEN w.agency_code IS NULL THEN coalesce(k.unusable_rows, 0) ELSE 0 END AS unusable_rows,
    k.unusable_since,
    f.failure AS register_failure
FROM motcua.sources AS s
LEFT JOIN weeks AS w ON s.source_id = w.source_id
LEFT JOIN kept_out AS k ON s.source_id = k.source_id
LEFT JOIN failures AS f ON s.source_id = f.source_id
LEFT JOIN LATERAL (
    SELECT max(t.recorded_at) AS recorded_at FROM motcua.transitions AS t WHERE t.source_id = s.source_id
) AS l ON TRUE
WHERE s.name = any(%(sources)s);
