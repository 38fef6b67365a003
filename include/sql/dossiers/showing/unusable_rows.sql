-- Rows in quarantine of dossiers whose code is spelled like one of these, as far as the visitor may see them; one whose
-- agency nobody knows is shown to who sees all. Called by store/dossiers.py.
SELECT
    q.row_kind, q.reason, q.agency_code, q.dossier_code, q.status_code, q.first_seen_at, q.last_seen_at, q.released_at
-- Looked up for each code: of all codes at once PostgreSQL expects many rows, and reads all of quarantine.
FROM (SELECT DISTINCT motcua.code_key(k.code) AS code_key FROM unnest(%(keys)s::text[]) AS k (code)) AS w
CROSS JOIN
    LATERAL (
        SELECT l.*
        FROM motcua.quarantine AS l
        -- The index is of rows that have a code.
        WHERE l.dossier_code IS NOT NULL AND motcua.code_key(l.dossier_code) = w.code_key
        OFFSET 0  -- noqa: AM09
    ) AS q
WHERE
    (%(agency_code)s::text IS NULL OR q.agency_code = %(agency_code)s)
    AND (%(agencies)s::text[] IS NULL OR q.agency_code = any(%(agencies)s))
ORDER BY q.quarantine_id
LIMIT %(limit)s
