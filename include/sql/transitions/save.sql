-- A batch of transitions, each once, whatever is read again; returns those that are new. Their dossiers are known.
-- Called by store/notices/transitions.py.
INSERT INTO motcua.transitions (
    source_id,
    source_transition_id,
    dossier_id,
    sequence,
    from_step,
    to_step,
    status_code,
    at_one_stop_desk,
    occurred_at,
    recorded_at, actor, note, picked_up_at
)
SELECT
    %(source_id)s, r.source_transition_id, r.dossier_id, r.source_transition_id, r.from_step, r.to_step, r.status_code,
    r.at_one_stop_desk, r.occurred_at, r.recorded_at, r.actor, r.note, %(now)s
FROM
    json_to_recordset(%(rows)s::json) AS r (
        source_transition_id bigint, dossier_id bigint, from_step text, to_step text, status_code smallint,
        at_one_stop_desk boolean, occurred_at timestamptz, recorded_at timestamptz, actor text, note text
    )
ON CONFLICT (source_id, source_transition_id) DO NOTHING
RETURNING source_transition_id, dossier_id
