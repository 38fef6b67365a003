-- Rows that a run met first and that cannot be used, by source and reason, with how many wait still. Of some agencies
-- only, where these are listed: by their codes, or what their sources write in place of these. Called by
-- store/browsing/runs.py.
SELECT
    s.name AS source,
    q.reason,
    count(*) AS found,
    count(*) FILTER (WHERE q.released_at IS NULL) AS waiting
FROM motcua.quarantine AS q
INNER JOIN motcua.sources AS s ON q.source_id = s.source_id
LEFT JOIN motcua.agency_aliases AS a ON q.agency_code = a.alias
WHERE
    q.run_no = %(run_no)s
    AND (
        %(agencies)s::text[] IS NULL
        OR q.agency_code = any(%(agencies)s::text[])
        OR a.agency_code = any(%(agencies)s::text[])
    )
GROUP BY s.name, q.reason
ORDER BY s.name, found DESC, q.reason
