-- Enabled agencies that have no record of this evening although it is theirs, with who is in charge of them and whose
-- calendar counts. Called by store/watching/watch.py.
SELECT
    g.agency_code,
    g.apology_day,
    n.in_charge
FROM motcua.agencies AS g
INNER JOIN motcua.agencies_on(%(day)s::date) AS n ON g.agency_code = n.agency_code
WHERE
    g.enabled_from <= %(evening_at)s
    -- Found in the order of the agency's own codes: of an agency without dossiers all others' would be looked through.
    AND coalesce((
        SELECT TRUE
        FROM motcua.dossiers AS d
        INNER JOIN motcua.dossier_versions AS v ON d.dossier_id = v.dossier_id
        WHERE d.agency_code = g.agency_code AND v.seen_at <= %(evening_at)s
        ORDER BY d.agency_code, d.dossier_code
        LIMIT 1
    ), FALSE)
    AND coalesce(g.valid_from <= %(day)s, TRUE)
    AND n.in_charge IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM motcua.apology_evenings AS e
        WHERE e.agency_code = g.agency_code AND e.day = %(day)s
    )
ORDER BY g.agency_code
