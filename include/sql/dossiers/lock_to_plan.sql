-- What planning must know of these dossiers and their agencies; locked, so that two planners never plan one dossier
-- at once. Settings are those of the dossier's own agency, the name is that of whoever is in charge of it on the day of
-- planning (the database's, where none is given). Where nobody is, the agency counts as not enabled.
-- Called by store/notices/dossiers.py.
SELECT
    d.dossier_id,
    d.dossier_code,
    d.agency_code,
    d.procedure_code,
    d.msisdn,
    -- Emptied: until the row is read anew there is no number.
    coalesce(d.phone_refusal, CASE WHEN d.msisdn IS NULL THEN 'missing' END) AS phone_refusal,
    d.received_at,
    d.due_at,
    d.returned_at,
    CASE WHEN f.in_charge IS NOT NULL THEN g.enabled_from END AS enabled_from,
    g.same_day_excluded,
    g.same_day_procedures,
    g.kinds_off,
    g.result_hold,
    g.accented,
    coalesce(f.short_name, f.name) AS agency_name
FROM motcua.dossiers AS d
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN
    motcua.agencies_on((coalesce(%(now)s::timestamptz, now()) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date) AS f
    ON d.agency_code = f.agency_code
WHERE d.dossier_id = any(%(dossier_ids)s)
ORDER BY d.dossier_id
FOR UPDATE OF d SKIP LOCKED
