-- An agency's dossiers that have, or once had, one of these due dates, as they stood at the evening by all that is
-- known. Phone, code and source as they are now. Called by store/notices/apologies.py.
WITH due AS (
    SELECT DISTINCT v.dossier_id
    FROM motcua.dossier_versions AS v
    INNER JOIN motcua.dossiers AS d ON v.dossier_id = d.dossier_id
    WHERE
        (v.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = any(%(due_days)s::date[])
        AND d.agency_code = %(agency_code)s
        AND v.dossier_id > %(after)s
    ORDER BY v.dossier_id
    LIMIT %(limit)s
)

SELECT
    d.dossier_id,
    d.dossier_code,
    d.procedure_code,
    d.msisdn,
    -- Emptied: until the row is read anew there is no number.
    coalesce(d.phone_refusal, CASE WHEN d.msisdn IS NULL THEN 'missing' END) AS phone_refusal,
    s.name AS source,
    o.due_at,
    o.received_at,
    o.status_code,
    o.handed_over
FROM due
INNER JOIN motcua.dossiers AS d ON due.dossier_id = d.dossier_id
INNER JOIN motcua.sources AS s ON d.source_id = s.source_id
CROSS JOIN
    LATERAL motcua.dossier_as_of(
        d.dossier_id, %(evening_at)s, 9223372036854775807, 9223372036854775807
    ) AS o
ORDER BY d.dossier_id
