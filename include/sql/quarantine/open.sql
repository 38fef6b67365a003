-- Open quarantine by source, kind, reason and codes: of these agencies, however the source writes their codes, or all.
-- Called by store/notices/quarantine.py.
SELECT
    s.name AS source, q.row_kind, q.reason, q.agency_code, q.status_code, count(*) AS rows,
    min(q.first_seen_at) AS since, (array_agg(q.dossier_code ORDER BY q.quarantine_id DESC))[1:3] AS examples
FROM motcua.quarantine AS q
INNER JOIN motcua.sources AS s ON q.source_id = s.source_id
WHERE
    q.released_at IS NULL
    AND (
        %(agencies)s::text[] IS NULL
        OR btrim(q.agency_code) = any(%(agencies)s)
        OR EXISTS (
            SELECT 1 FROM motcua.agency_aliases AS a
            WHERE a.alias = btrim(q.agency_code) AND a.agency_code = any(%(agencies)s)
        )
    )
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5
