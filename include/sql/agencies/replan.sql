-- Events of these agencies that were out of scope and may no longer be, since the agency was enabled from an earlier
-- moment, or somebody is in charge of it again: to be planned anew. Called by store/agencies.py.
UPDATE motcua.transitions AS t
SET planned_at = NULL, outcome = NULL
FROM motcua.dossiers AS d
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
WHERE
    t.dossier_id = d.dossier_id
    AND g.agency_code = any(%(agency_codes)s)
    AND t.outcome = 'out_of_scope'
    AND t.occurred_at >= g.enabled_from
