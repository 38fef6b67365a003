-- Dossiers of pushed sources with a supplement in [start, end) that nothing says to be at the desk, so that nobody was
-- told of it: by agency, of these agencies or of all, the most first. Called by store/intake/watching.py.
SELECT u.source, u.agency_code, count(DISTINCT u.dossier_code) AS dossiers
FROM intake.clients AS c
INNER JOIN intake.supplements_untold AS u ON c.source = u.source AND c.client_id = u.client_id
WHERE
    u.said_at >= %(start)s
    AND u.said_at < %(end)s
    AND (%(agencies)s::text[] IS NULL OR u.agency_code = any(%(agencies)s))
GROUP BY u.source, u.agency_code
ORDER BY dossiers DESC, u.agency_code, u.source
