-- A run's attempts by gateway, by its answer and how they stand now. Runs of before their numbers were kept are found
-- by name alone. Of some agencies only, where these are listed. Called by store/browsing/runs.py.
SELECT
    a.gateway,
    a.outcome,
    a.state,
    count(*) AS attempts
FROM motcua.attempts AS a
LEFT JOIN LATERAL (
    SELECT o.agency_code FROM motcua.messages AS o
    WHERE o.message_id = a.message_id AND %(agencies)s::text[] IS NOT NULL
    OFFSET 0  -- noqa: AM09
) AS m ON TRUE
WHERE
    a.run_id = %(run_id)s
    AND coalesce(a.run_no = %(run_no)s::bigint, TRUE)
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
GROUP BY a.gateway, a.outcome, a.state
ORDER BY a.gateway, attempts DESC, a.outcome, a.state
