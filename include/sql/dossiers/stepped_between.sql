-- Dossiers of an agency with a step that was recorded within these times, as planning would see them with the agency's
-- settings as they are, under the name that is in force on a day; none is locked. At most so many, the first ones read.
-- Holds personal data. Called by store/notices/dossiers.py.
SELECT
    d.dossier_id,
    d.dossier_code,
    d.agency_code,
    d.procedure_code,
    d.msisdn,
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
FROM motcua.sources AS s
CROSS JOIN
    LATERAL (
        SELECT DISTINCT t.dossier_id
        FROM motcua.transitions AS t
        WHERE t.source_id = s.source_id AND t.recorded_at >= %(start)s AND t.recorded_at < %(end)s
    ) AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.agencies_on(%(day)s::date) AS f ON d.agency_code = f.agency_code
WHERE d.agency_code = %(agency_code)s
ORDER BY d.dossier_id
LIMIT %(most)s
