-- Events of an agency that were out of scope and no longer are, since it was enabled from an earlier moment: to be
-- planned anew. Called by store/agencies.py.
UPDATE motcua.transitions AS t
SET planned_at = NULL, outcome = NULL
FROM motcua.dossiers AS d
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
WHERE
    t.dossier_id = d.dossier_id
    AND g.agency_code = %(agency_code)s
    AND t.outcome = 'out_of_scope'
    AND t.occurred_at >= g.enabled_from
