-- Whether an enabled agency has no record of this evening; quick, since it is asked every minute.
-- Called by store/notices/apologies.py.
SELECT exists(
    SELECT 1
    FROM motcua.agencies AS g
    INNER JOIN motcua.agencies_on(%(day)s::date) AS n ON g.agency_code = n.agency_code
    WHERE
        g.enabled_from <= %(evening_at)s
        AND coalesce(g.valid_from <= %(day)s, TRUE)
        AND n.in_charge IS NOT NULL
        AND EXISTS (SELECT 1 FROM motcua.dossiers AS d WHERE d.agency_code = g.agency_code)
        AND NOT EXISTS (
            SELECT 1 FROM motcua.apology_evenings AS e
            WHERE e.agency_code = g.agency_code AND e.day = %(day)s
        )
) AS is_left
