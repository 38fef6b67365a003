-- What a run read anew of each source. Of some agencies only, where these are listed. Called by
-- store/browsing/runs.py.
SELECT
    s.name AS source,
    sum(p.transitions) AS transitions,
    sum(p.dossiers) AS dossiers
FROM motcua.pick_ups AS p
INNER JOIN motcua.sources AS s ON p.source_id = s.source_id
WHERE
    p.run_no = %(run_no)s
    AND (%(agencies)s::text[] IS NULL OR p.agency_code = any(%(agencies)s::text[]))
GROUP BY s.name
ORDER BY s.name
