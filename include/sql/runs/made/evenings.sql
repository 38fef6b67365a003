-- The evenings of apologies that a run settled. Of some agencies only, where these are listed. Called by
-- store/browsing/runs.py.
SELECT
    e.agency_code,
    g.name AS agency_name,
    e.day,
    e.state,
    e.looked_at,
    e.queued,
    e.suppressed,
    e.missed
FROM motcua.apology_evenings AS e
INNER JOIN motcua.agencies AS g ON e.agency_code = g.agency_code
WHERE
    e.run_no = %(run_no)s
    AND (%(agencies)s::text[] IS NULL OR e.agency_code = any(%(agencies)s::text[]))
ORDER BY e.day, e.queued DESC, g.name
