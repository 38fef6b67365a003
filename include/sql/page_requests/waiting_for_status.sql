-- How many open dossiers wait with a status code of a source, by agency: those with steps that are kept aside for it,
-- and those whose row has a code that nobody knows, which may be this one. Called by store/oversight/page_requests.py.
SELECT w.agency_code, count(DISTINCT w.dossier_code) AS dossiers
FROM (
    SELECT g.agency_code, q.dossier_code
    FROM motcua.quarantine AS q
    INNER JOIN motcua.sources AS s ON q.source_id = s.source_id
    INNER JOIN motcua.agency_scopes AS g ON btrim(q.agency_code) = g.written
    WHERE
        s.name = %(source)s AND q.status_code = %(written)s AND q.reason = 'status_unknown' AND q.released_at IS NULL
        AND g.enabled_from IS NOT NULL
    UNION ALL
    SELECT d.agency_code, d.dossier_code
    FROM motcua.dossiers AS d
    INNER JOIN motcua.sources AS s ON d.source_id = s.source_id
    INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
    WHERE
        s.name = %(source)s AND d.status_code IS NULL AND d.finished_at IS NULL AND d.returned_at IS NULL
        AND g.enabled_from IS NOT NULL
) AS w
GROUP BY w.agency_code
ORDER BY w.agency_code
