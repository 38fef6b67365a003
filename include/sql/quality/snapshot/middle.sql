-- A number in the middle of those of the dossiers that are looked at, as in fill_dossiers. Called by
-- store/oversight/quality.py.
SELECT avg(d.dossier_id)::bigint AS middle
FROM motcua.dossiers AS d
WHERE
    coalesce(d.status_code NOT IN (3, 7, 10), TRUE)
    OR d.received_at >= %(since)s
    OR coalesce(d.updated_at >= %(since)s, TRUE)
