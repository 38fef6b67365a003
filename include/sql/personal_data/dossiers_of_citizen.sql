-- Dossiers that a request is about, one by its agency and code or all whose own number is this one, and until when each
-- is kept. Called by store/personal_data_requests.py.
SELECT
    d.dossier_id,
    d.agency_code,
    g.name AS agency_name,
    d.dossier_code,
    d.applicant_name,
    d.applicant_phone,
    d.msisdn,
    coalesce(d.received_at, d.picked_up_at) AS held_since,
    d.erase_asked_at,
    t.ended_at,
    t.kept_until,
    t.purged_at,
    t.may_be_told,
    t.is_complained_of
FROM motcua.dossiers AS d
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.dossier_terms AS t ON d.dossier_id = t.dossier_id
WHERE
    CASE
        WHEN %(msisdn)s::text IS NULL THEN d.agency_code = %(agency_code)s AND d.dossier_code = %(dossier_code)s
        ELSE d.msisdn = %(msisdn)s
    END
ORDER BY d.agency_code, d.dossier_code
