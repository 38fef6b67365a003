-- By rule and agency: findings that are new, back or fixed in a run against an earlier one. Called by
-- store/oversight/quality.py.
SELECT
    f.rule,
    f.agency_code,
    count(*) FILTER (WHERE e.opened_run > %(since_run)s AND l.stands AND NOT e.again) AS new,
    count(*) FILTER (WHERE e.opened_run > %(since_run)s AND l.stands AND e.again) AS back,
    count(*) FILTER (
        WHERE
        e.opened_run <= %(since_run)s AND NOT l.stands
        AND NOT EXISTS (
            SELECT 1 FROM motcua.finding_episodes AS n
            WHERE
                n.finding_id = e.finding_id AND n.opened_run > e.opened_run AND n.opened_run <= %(run_no)s
                AND coalesce(n.closed_run > %(run_no)s, TRUE)
        )
    ) AS fixed
FROM motcua.finding_episodes AS e
INNER JOIN motcua.findings AS f ON e.finding_id = f.finding_id
INNER JOIN motcua.quality_results AS r ON f.rule = r.rule AND r.run_no = %(run_no)s AND r.status = 'checked'
CROSS JOIN LATERAL (SELECT coalesce(e.closed_run > %(run_no)s, TRUE) AS stands) AS l
WHERE
    (
        (e.opened_run > %(since_run)s AND e.opened_run <= %(run_no)s)
        OR (e.opened_run <= %(since_run)s AND e.closed_run > %(since_run)s AND e.closed_run <= %(run_no)s)
    )
    AND NOT EXISTS (
        SELECT 1 FROM motcua.quality_withheld AS w WHERE w.run_no = %(run_no)s AND w.finding_id = f.finding_id
    )
GROUP BY f.rule, f.agency_code
