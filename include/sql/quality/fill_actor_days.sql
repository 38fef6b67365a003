-- Changes by user and day, and the most that one made within a few minutes late in the day. Called by store/quality.py.
INSERT INTO quality.actor_days (source_id, agency_code, actor, day, changes, late_changes, batch)
WITH daily AS MATERIALIZED (
    SELECT
        t.source_id,
        s.agency_code,
        t.actor,
        l.at::date AS day,
        count(*) AS changes,
        count(*) FILTER (WHERE l.at::time >= make_time(%(from_hour)s::integer, 0, 0)) AS late_changes
    FROM motcua.transitions AS t
    INNER JOIN motcua.dossiers AS s ON t.dossier_id = s.dossier_id
    CROSS JOIN LATERAL (SELECT t.occurred_at AT TIME ZONE interval '+07:00' AS at) AS l
    WHERE t.occurred_at >= %(since)s AND NOT t.from_row
    GROUP BY t.source_id, s.agency_code, t.actor, l.at::date
),

suspects AS (
    SELECT d.* FROM daily AS d
    WHERE d.actor IS NOT NULL AND d.late_changes >= %(changes)s AND d.late_changes > %(share)s * d.changes
),

bursts AS (
    SELECT
        p.source_id,
        p.agency_code,
        p.actor,
        p.day,
        count(*) OVER (
            PARTITION BY p.source_id, p.agency_code, p.actor, p.day
            ORDER BY t.occurred_at
            RANGE BETWEEN CURRENT ROW AND make_interval(mins => %(minutes)s::integer) FOLLOWING -- noqa: PRS
        ) AS changes
    FROM suspects AS p
    INNER JOIN motcua.transitions AS t
        ON
            p.source_id = t.source_id AND p.actor = t.actor
            AND p.day = (t.occurred_at AT TIME ZONE interval '+07:00')::date
    INNER JOIN motcua.dossiers AS s ON t.dossier_id = s.dossier_id AND p.agency_code = s.agency_code
    WHERE
        NOT t.from_row
        AND (t.occurred_at AT TIME ZONE interval '+07:00')::time >= make_time(%(from_hour)s::integer, 0, 0)
),

batches AS (
    SELECT b.source_id, b.agency_code, b.actor, b.day, max(b.changes) AS batch
    FROM bursts AS b
    GROUP BY b.source_id, b.agency_code, b.actor, b.day
)

SELECT d.source_id, d.agency_code, d.actor, d.day, d.changes, d.late_changes, coalesce(b.batch, 0)
FROM daily AS d
LEFT JOIN batches AS b
    ON d.source_id = b.source_id AND d.agency_code = b.agency_code AND d.actor = b.actor AND d.day = b.day
