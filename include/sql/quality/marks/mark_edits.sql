-- Due dates that moved later and procedures that changed, by the versions of a dossier's row that pick-up kept. A move
-- is explained by a pause (5, 6, 8) since the move before it. Called by store/oversight/quality.py.
INSERT INTO quality.marks (
    dossier_id, due_moved_at, late_moves, unexplained_moves, due_day_at_pause, procedure_changed_at
)
WITH due_steps AS (
    SELECT
        v.dossier_id,
        v.version_id,
        v.due_at,
        coalesce(v.updated_at, v.seen_at) AS changed_at,
        lag(v.due_at) OVER w AS due_before
    FROM motcua.dossier_versions AS v
    INNER JOIN quality.edited AS e ON v.dossier_id = e.dossier_id
    WHERE v.due_at IS NOT NULL
    WINDOW w AS (PARTITION BY v.dossier_id ORDER BY v.version_id)
),

due_moves AS (
    SELECT
        s.dossier_id,
        s.changed_at,
        (s.changed_at AT TIME ZONE interval '+07:00')::date
        >= (s.due_before AT TIME ZONE interval '+07:00')::date - 1 AS is_late,
        lag(s.changed_at) OVER (PARTITION BY s.dossier_id ORDER BY s.version_id) AS moved_before
    FROM due_steps AS s
    WHERE s.due_at > s.due_before
),

unexplained AS (
    SELECT
        m.dossier_id,
        max(m.changed_at) FILTER (WHERE m.changed_at >= %(since)s) AS due_moved_at,
        count(*) FILTER (WHERE m.is_late AND m.changed_at >= %(since)s) AS late_moves,
        count(*) AS unexplained_moves
    FROM due_moves AS m
    WHERE
        NOT EXISTS (
            SELECT 1 FROM motcua.transitions AS t
            WHERE
                t.dossier_id = m.dossier_id AND t.status_code IN (5, 6, 8)
                AND t.occurred_at <= m.changed_at + interval '5 minutes'
                AND t.occurred_at > coalesce(m.moved_before, '-infinity')
        )
    GROUP BY m.dossier_id
),

procedure_steps AS (
    SELECT
        v.dossier_id,
        v.procedure_code,
        coalesce(v.updated_at, v.seen_at) AS changed_at,
        lag(v.procedure_code) OVER (PARTITION BY v.dossier_id ORDER BY v.version_id) AS procedure_before
    FROM motcua.dossier_versions AS v
    INNER JOIN quality.edited AS e ON v.dossier_id = e.dossier_id
    WHERE v.procedure_code IS NOT NULL
),

procedure_moves AS (
    SELECT s.dossier_id, max(s.changed_at) AS changed_at
    FROM procedure_steps AS s
    WHERE s.procedure_code <> s.procedure_before AND s.changed_at >= %(since)s
    GROUP BY s.dossier_id
),

pauses AS (
    SELECT x.dossier_id, max(x.occurred_at) AS paused_at
    FROM (
        SELECT
            t.dossier_id,
            t.occurred_at,
            t.status_code IN (5, 6, 8)
            AND coalesce(lag(t.status_code) OVER (
                PARTITION BY t.dossier_id ORDER BY t.sequence, t.from_row, t.transition_id
            ) NOT IN (5, 6, 8), TRUE) AS begins
        FROM motcua.transitions AS t
        INNER JOIN quality.edited AS e ON t.dossier_id = e.dossier_id
    ) AS x
    WHERE x.begins AND x.occurred_at >= %(since)s
    GROUP BY x.dossier_id
),

-- The due day in force when the last pause began.
at_pause AS (
    SELECT DISTINCT ON (s.dossier_id)
        s.dossier_id,
        (s.due_at AT TIME ZONE interval '+07:00')::date AS due_day
    FROM due_steps AS s
    INNER JOIN pauses AS p ON s.dossier_id = p.dossier_id
    ORDER BY
        s.dossier_id,
        s.changed_at < p.paused_at - interval '5 minutes' DESC,
        CASE WHEN s.changed_at < p.paused_at - interval '5 minutes' THEN s.version_id END DESC,
        s.version_id
)

SELECT
    e.dossier_id,
    u.due_moved_at,
    u.late_moves,
    u.unexplained_moves,
    a.due_day,
    p.changed_at
FROM quality.edited AS e
LEFT JOIN at_pause AS a ON e.dossier_id = a.dossier_id
LEFT JOIN unexplained AS u ON e.dossier_id = u.dossier_id
LEFT JOIN procedure_moves AS p ON e.dossier_id = p.dossier_id
WHERE a.due_day IS NOT NULL OR u.due_moved_at IS NOT NULL OR p.changed_at IS NOT NULL
