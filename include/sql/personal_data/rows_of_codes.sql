-- Rows of these agencies and codes that go with no dossier and are not emptied: rows in quarantine (with their source),
-- and complaints that are tied to none (with their agency), and whether such a complaint is open, which keeps those
-- alike. Called by store/personal_data_requests.py.
SELECT DISTINCT
    'quarantine' AS kind, q.source_id::text AS of_whom, q.quarantine_id AS row_no, FALSE AS is_under_way
FROM jsonb_array_elements(%(codes)s::jsonb) AS k (code)
INNER JOIN motcua.quarantine AS q ON motcua.code_key(q.dossier_code) = motcua.code_key(k.code ->> 1)
WHERE
    q.purged_at IS NULL
    AND (
        q.agency_code = k.code ->> 0
        OR EXISTS (
            SELECT 1 FROM motcua.agency_aliases AS l
            WHERE l.agency_code = k.code ->> 0 AND l.alias = q.agency_code
        )
    )
UNION ALL
SELECT DISTINCT
    'complaints', c.agency_code, c.complaint_id,
    exists(
        SELECT 1 FROM motcua.complaints AS o
        WHERE
            o.dossier_id IS NULL AND o.outcome = 'open' AND o.withdrawn_at IS NULL AND o.agency_code = c.agency_code
            AND motcua.code_key(o.dossier_code) = motcua.code_key(c.dossier_code)
    )
FROM jsonb_array_elements(%(codes)s::jsonb) AS k (code)
INNER JOIN motcua.complaints AS c
    ON c.agency_code = k.code ->> 0 AND motcua.code_key(c.dossier_code) = motcua.code_key(k.code ->> 1)
WHERE
    c.dossier_id IS NULL
    AND (
        num_nonnulls(c.note, c.outcome_reason, c.withdraw_reason) > 0 OR NOT motcua.is_like_a_code(c.dossier_code)
    )
ORDER BY kind, row_no
