-- Open rows of a source whose cause may have gone: the agency or the status is known now, the dossier has come; young
-- rows that wait for a dossier are asked for in each pick-up, and every other row again after a tenth of its age (a
-- minute to an hour), since the source may have mended it in place: where that fell due since the source was picked up
-- last, each row at a moment of its own. Of more than the limit, any. Called by store/notices/quarantine.py.
SELECT q.row_kind, q.row_key, q.reason, q.payload
FROM motcua.quarantine AS q
INNER JOIN motcua.sources AS s ON q.source_id = s.source_id
CROSS JOIN LATERAL (SELECT mod(q.quarantine_id, 100) / 100.0::float AS phase) AS p
WHERE
    q.source_id = %(source_id)s
    AND q.released_at IS NULL
    AND (
        (q.reason = 'agency_unknown' AND btrim(q.agency_code) = any(%(agency_codes)s))
        OR (q.reason = 'status_unknown' AND q.status_code = any(%(status_codes)s))
        OR (q.reason = 'dossier_missing' AND (
            q.first_seen_at > %(now)s::timestamptz - interval '1 hour'
            OR EXISTS (
                SELECT 1 FROM motcua.dossiers AS d
                WHERE
                    d.dossier_code = normalize(btrim(q.dossier_code))
                    AND d.agency_code IN (
                        SELECT btrim(q.agency_code)
                        UNION ALL
                        SELECT a.agency_code FROM motcua.agency_aliases AS a
                        WHERE a.alias = btrim(q.agency_code)
                    )
            )
        ))
        OR floor(p.phase + motcua.looks_by(%(now)s::timestamptz - q.first_seen_at))
        > floor(p.phase + motcua.looks_by(coalesce(s.picked_up_at, q.first_seen_at) - q.first_seen_at))
    )
ORDER BY random()
LIMIT 5000
