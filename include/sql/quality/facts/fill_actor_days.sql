-- Users' days on which many changes came late in the day: how many changes the day had, and the most within a few
-- minutes late in it. Called by store/oversight/quality.py.
INSERT INTO quality.actor_days (agency_code, actor, day, changes, batch)
-- So many changes within some minutes leave half as many in one of two adjacent spans of as many minutes.
WITH suspects AS MATERIALIZED (
    SELECT DISTINCT p.source_id, p.actor, p.day
    FROM (
        SELECT
            t.source_id,
            t.actor,
            (t.occurred_at AT TIME ZONE interval '+07:00')::date AS day
        FROM motcua.transitions AS t
        WHERE
            (t.occurred_at AT TIME ZONE interval '+07:00')::time >= make_time(%(from_hour)s::integer, 0, 0)
            AND t.occurred_at >= %(since)s AND NOT t.from_row AND t.actor IS NOT NULL
        GROUP BY
            t.source_id,
            t.actor,
            (t.occurred_at AT TIME ZONE interval '+07:00')::date,
            date_part('epoch', t.occurred_at)::bigint / (60 * %(minutes)s)::bigint
        HAVING count(*) >= %(changes)s / 2.0
    ) AS p
),

changes AS (
    SELECT
        d.agency_code,
        t.actor,
        (t.occurred_at AT TIME ZONE interval '+07:00')::date AS day,
        t.occurred_at,
        (t.occurred_at AT TIME ZONE interval '+07:00')::time >= make_time(%(from_hour)s::integer, 0, 0) AS is_late
    FROM motcua.transitions AS t
    INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
    WHERE
        NOT t.from_row
        -- No join: the planner would hash all transitions for it, and not the few days.
        AND (t.source_id, t.actor, (t.occurred_at AT TIME ZONE interval '+07:00')::date) IN (
            SELECT p.source_id, p.actor, p.day FROM suspects AS p -- noqa: RF03
        )
),

bursts AS (
    SELECT
        c.agency_code,
        c.actor,
        c.day,
        count(*) OVER (PARTITION BY c.agency_code, c.actor, c.day) AS changes,
        CASE
            WHEN
                c.is_late
                THEN count(*) OVER (
                    PARTITION BY c.agency_code, c.actor, c.day
                    ORDER BY c.occurred_at
                    RANGE BETWEEN CURRENT ROW AND make_interval(mins => %(minutes)s::integer) FOLLOWING -- noqa: PRS
                )
        END AS batch
    FROM changes AS c
)

SELECT b.agency_code, b.actor, b.day, max(b.changes), max(b.batch)
FROM bursts AS b
GROUP BY b.agency_code, b.actor, b.day
HAVING max(b.batch) >= %(changes)s
