-- By agency: results that citizens were told, and how long after the result each was taken back that was (minutes, in
-- order). A result that was handed over first is not taken back. Called by store/oversight/quality.py.
WITH told AS (
    SELECT f.agency_code, count(*) AS told
    FROM motcua.messages AS m
    INNER JOIN quality.dossier_facts AS f ON m.dossier_id = f.dossier_id
    WHERE m.kind = 'result' AND m.accepted_at IS NOT NULL AND m.occurred_at >= %(since)s
    GROUP BY f.agency_code
),

taken_back AS (
    SELECT
        f.agency_code,
        array_agg(extract(EPOCH FROM b.occurred_at - m.occurred_at) / 60 ORDER BY b.occurred_at - m.occurred_at)
            AS minutes
    FROM quality.dossier_facts AS f
    INNER JOIN motcua.messages AS m ON f.dossier_id = m.dossier_id
    INNER JOIN motcua.transitions AS t ON m.transition_id = t.transition_id
    CROSS JOIN
        LATERAL (
            SELECT n.occurred_at, n.status_code
            FROM motcua.transitions AS n
            WHERE
                n.dossier_id = t.dossier_id
                AND (n.sequence, n.from_row, n.transition_id) > (t.sequence, t.from_row, t.transition_id)
                AND n.status_code <> 9
                AND NOT EXISTS (
                    SELECT 1 FROM motcua.old_steps AS o
                    WHERE o.transition_id = n.transition_id AND o.has_force IS NOT TRUE
                )
            ORDER BY n.sequence, n.from_row, n.transition_id
            LIMIT 1
        ) AS b
    WHERE
        f.reopened_at IS NOT NULL AND m.kind = 'result' AND m.accepted_at IS NOT NULL AND m.occurred_at >= %(since)s
        AND b.status_code IN (2, 4, 5, 6, 8)
    GROUP BY f.agency_code
)

SELECT o.agency_code, o.told, extract(EPOCH FROM g.result_hold) / 60 AS hold_minutes, b.minutes
FROM told AS o
INNER JOIN motcua.agencies AS g ON o.agency_code = g.agency_code
LEFT JOIN taken_back AS b ON o.agency_code = b.agency_code
