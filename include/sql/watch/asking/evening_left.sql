-- Enabled agencies that have no record of this evening although it is theirs, with who is in charge of them and whose
-- calendar counts. Called by store/oversight/watch.py.
SELECT
    g.agency_code,
    g.apology_day,
    n.in_charge
FROM motcua.agencies AS g
INNER JOIN motcua.agencies_on(%(day)s::date) AS n ON g.agency_code = n.agency_code
INNER JOIN LATERAL (
    SELECT v.seen_at
    FROM motcua.dossier_versions AS v
    WHERE v.dossier_id = (SELECT min(d.dossier_id) FROM motcua.dossiers AS d WHERE d.agency_code = g.agency_code)
    ORDER BY v.version_id
    LIMIT 1
) AS f ON TRUE
WHERE
    g.enabled_from <= %(evening_at)s
    AND f.seen_at <= %(evening_at)s
    AND coalesce(g.valid_from <= %(day)s, TRUE)
    AND n.in_charge IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM motcua.apology_evenings AS e
        WHERE e.agency_code = g.agency_code AND e.day = %(day)s
    )
ORDER BY g.agency_code
