-- What planning must know of these dossiers and their agencies; locked, so that two planners never plan one dossier
-- at once. Called by store/dossiers.py.
SELECT
    d.dossier_id,
    d.dossier_code,
    d.agency_code,
    d.procedure_code,
    d.msisdn,
    d.phone_refusal,
    d.received_at,
    d.due_at,
    d.returned_at,
    g.enabled_from,
    g.same_day_excluded,
    g.kinds_off,
    g.result_hold,
    g.accented,
    coalesce(g.short_name, g.name) AS agency_name
FROM motcua.dossiers AS d
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
WHERE d.dossier_id = any(%(dossier_ids)s)
ORDER BY d.dossier_id
FOR UPDATE OF d SKIP LOCKED
