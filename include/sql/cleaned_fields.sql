-- Fields of a source's rows that could be used once they were cleaned. Called by store/notices/quarantine.py.

-- name: save
-- Fields that had to be cleaned while reading rows, each row once; seen again where the row has changed since and was
-- read so again.
INSERT INTO motcua.cleaned_fields AS c (code, agency_code, dossier_id, transition_id, detail, found_at, last_seen_at)
SELECT r.code, d.agency_code, d.dossier_id, t.transition_id, max(r.detail), %(now)s, %(now)s
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        code text, agency_code text, dossier_code text, source_transition_id bigint, detail text
    )
INNER JOIN motcua.dossiers AS d ON r.agency_code = d.agency_code AND r.dossier_code = d.dossier_code
LEFT JOIN motcua.transitions AS t ON t.source_id = %(source_id)s AND r.source_transition_id = t.source_transition_id
WHERE
    (r.source_transition_id IS NULL OR t.transition_id IS NOT NULL)
    AND NOT EXISTS (
        SELECT 1 FROM motcua.cleaned_fields AS k
        WHERE
            k.code = r.code AND k.dossier_id = d.dossier_id AND k.transition_id IS NOT DISTINCT FROM t.transition_id
            AND k.detail = r.detail AND k.last_seen_at >= d.picked_up_at
    )
GROUP BY r.code, d.agency_code, d.dossier_id, t.transition_id
ON CONFLICT (code, dossier_id, transition_id) DO UPDATE
    SET detail = excluded.detail, last_seen_at = excluded.last_seen_at
    WHERE c.last_seen_at < excluded.last_seen_at;
