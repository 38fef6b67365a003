-- Of a batch of transitions those whose dossier is told, by their places. They are new, each number once: who reads a
-- source has it locked and has left out what the ledger has, so that one which is there already is an error. To look
-- for it once more by ON CONFLICT, row by row, costs almost as much as the insertion. Called by
-- store/notices/transitions.py.
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
    %(source_id)s, r.source_transition_id, (%(dossier_ids)s::bigint[])[r.place], r.source_transition_id, r.from_step,
    r.to_step, r.status_code, r.at_one_stop_desk, r.occurred_at, r.recorded_at, r.actor, r.note, %(now)s
FROM
    json_to_recordset(%(rows)s::json) AS r (
        place integer, source_transition_id bigint, from_step text, to_step text, status_code smallint,
        at_one_stop_desk boolean, occurred_at timestamptz, recorded_at timestamptz, actor text, note text
    )
WHERE (%(dossier_ids)s::bigint[])[r.place] IS NOT NULL
