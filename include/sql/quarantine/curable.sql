-- Open rows of a source whose cause has gone by what our own tables say, and the young ones that wait for a dossier's
-- row, which the source must be asked for. Called by store/quarantine.py.
SELECT q.row_kind, q.row_key, q.reason, q.agency_code, q.dossier_code, q.payload
FROM motcua.quarantine AS q
WHERE
    q.source_id = %(source_id)s
    AND q.released_at IS NULL
    AND (
        (q.reason = 'agency_unknown' AND btrim(q.agency_code) = any(%(agency_codes)s))
        OR (q.reason = 'status_unknown' AND q.status_code = any(%(status_codes)s))
        OR (q.reason = 'dossier_missing' AND (
            q.first_seen_at > %(now)s::timestamptz - interval '2 days'
            OR EXISTS (
                SELECT 1 FROM motcua.dossiers AS d
                WHERE d.source_id = q.source_id AND d.dossier_code = normalize(btrim(q.dossier_code))
            )
        ))
    )
ORDER BY q.quarantine_id
LIMIT 5000
