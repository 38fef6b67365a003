-- By agency: results that citizens were told, and how long after the result each was taken back that was (minutes, in
-- order). A result that was handed over first is not taken back. Called by store/quality.py.
SELECT
    f.agency_code,
    count(*) AS told,
    extract(EPOCH FROM g.result_hold) / 60 AS hold_minutes,
    array_agg(extract(EPOCH FROM b.occurred_at - m.occurred_at) / 60 ORDER BY b.occurred_at - m.occurred_at)
    FILTER (WHERE b.occurred_at IS NOT NULL) AS minutes
FROM motcua.messages AS m
INNER JOIN quality.dossier_facts AS f ON m.dossier_id = f.dossier_id
INNER JOIN motcua.agencies AS g ON f.agency_code = g.agency_code
LEFT JOIN LATERAL (
    SELECT n.occurred_at, n.status_code
    FROM motcua.transitions AS t
    INNER JOIN motcua.transitions AS n
        ON
            t.dossier_id = n.dossier_id
            AND (n.sequence, n.from_row, n.transition_id) > (t.sequence, t.from_row, t.transition_id)
    WHERE f.reopened_at IS NOT NULL AND t.transition_id = m.transition_id AND n.status_code <> 9
    ORDER BY n.sequence, n.from_row, n.transition_id
    LIMIT 1
) AS b ON b.status_code IN (2, 4, 5, 6, 8)
WHERE m.kind = 'result' AND m.accepted_at IS NOT NULL AND m.occurred_at >= %(since)s
GROUP BY f.agency_code, g.result_hold
