-- A change that only the dossier's row told of, placed after the last transition known; returns whose it is. Called by
-- store/notices/transitions.py.
INSERT INTO motcua.transitions (
    source_id,
    dossier_id,
    sequence,
    from_row,
    to_step,
    status_code,
    at_one_stop_desk,
    occurred_at,
    recorded_at,
    picked_up_at
)
SELECT
    d.source_id, d.dossier_id,
    coalesce((SELECT max(t.sequence) FROM motcua.transitions AS t WHERE t.dossier_id = d.dossier_id), 0),
    TRUE, d.step_name, d.status_code, d.at_one_stop_desk,
    least(d.updated_at, %(now)s), d.updated_at, %(now)s
FROM motcua.dossiers AS d
WHERE d.dossier_id = any(%(dossier_ids)s)
ON CONFLICT (dossier_id, recorded_at) WHERE from_row DO UPDATE
    SET sequence = excluded.sequence
    WHERE transitions.sequence < excluded.sequence
RETURNING dossier_id
