-- Rows in quarantine of dossiers whose code is spelled like one of these, as far as the visitor may see them; one whose
-- agency nobody knows is shown to who sees all. Called by store/dossiers.py.
SELECT
    q.row_kind, q.reason, q.agency_code, q.dossier_code, q.status_code, q.first_seen_at, q.last_seen_at, q.released_at
FROM motcua.quarantine AS q
WHERE
    motcua.code_key(q.dossier_code)
    = any(array(SELECT motcua.code_key(k.code) FROM unnest(%(keys)s::text[]) AS k (code)))
    AND (%(agency_code)s::text IS NULL OR q.agency_code = %(agency_code)s)
    AND (%(agencies)s::text[] IS NULL OR q.agency_code = any(%(agencies)s))
ORDER BY q.quarantine_id
LIMIT %(limit)s
