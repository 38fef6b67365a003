-- Store each transition (a step of a dossier) once, with its outcome. Called by store/notices/transitions.py.

-- name: lowest
-- Return the lowest number, not below a given number, of a source's stored steps; NULL if there is none
-- (motcua.transitions).
SELECT min(t.source_transition_id) AS number
FROM motcua.transitions AS t
WHERE t.source_id = %(source_id)s AND t.source_transition_id >= %(from_number)s;

-- name: newest
-- Return the stored steps of a source with the highest numbers, the highest first (motcua.transitions). Negative
-- numbers, and numbers too large to come from a sequence, are left out.
SELECT
    t.source_transition_id AS number,
    d.dossier_code,
    t.occurred_at,
    t.recorded_at,
    t.picked_up_at
FROM motcua.transitions AS t
INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
WHERE t.source_id = %(source_id)s AND t.source_transition_id BETWEEN 0 AND 4611686018427387904
ORDER BY t.source_transition_id DESC
LIMIT %(most)s;

-- name: known
-- Return the stored steps of a source that have one of the given numbers, with columns that show whether another step
-- with the same number is the same step (motcua.transitions). Each number is looked up separately in an index.
SELECT
    t.source_transition_id AS number,
    d.dossier_code,
    t.occurred_at,
    t.recorded_at,
    t.picked_up_at
FROM unnest(%(numbers)s::bigint[]) AS n (source_transition_id)
CROSS JOIN
    LATERAL (
        SELECT k.*
        FROM motcua.transitions AS k
        WHERE k.source_id = %(source_id)s AND k.source_transition_id = n.source_transition_id
        LIMIT 1  -- noqa: AM09
    ) AS t
INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id;

-- name: save
-- Insert the transitions of a batch whose dossier is known (motcua.transitions). Every number must be new: the caller
-- holds the source's lock and has left out stored numbers. ON CONFLICT would cost almost as much as the insertion.
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
WHERE (%(dossier_ids)s::bigint[])[r.place] IS NOT NULL;

-- name: save_from_rows
-- Insert, for each given dossier, a change that only the dossier's row showed, as a transition after the dossier's last
-- one (motcua.transitions). A change that is stored already is moved after newer transitions. Return the dossiers.
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
RETURNING dossier_id;

-- name: unplanned_dossiers
-- Return the dossiers with transitions that are not planned: it is not decided yet whether they need a message
-- (motcua.transitions). If a window of time (start, end) is given, only transitions that were recorded in this window
-- count.
SELECT DISTINCT dossier_id
FROM motcua.transitions
WHERE
    planned_at IS NULL
    AND (%(start)s::timestamptz IS NULL OR (recorded_at >= %(start)s AND recorded_at < %(end)s))
    AND dossier_id > %(after)s
ORDER BY dossier_id
LIMIT %(limit)s;

-- name: history
-- Return all transitions of these dossiers, those of a dossier in order (motcua.transitions). Two columns help to
-- decide whether an old step (one that was typed in late) counts (motcua.old_steps): row_was_read, whether the
-- dossier's row was read again; and row_calls_for, the kind of message that the row then required.
SELECT
    t.transition_id,
    t.dossier_id,
    t.status_code,
    t.at_one_stop_desk,
    t.occurred_at,
    t.recorded_at,
    t.outcome,
    o.transition_id IS NOT NULL AS is_old,
    o.version_id IS NOT NULL AS row_was_read,
    motcua.condition_of(v.status_code, v.at_one_stop_desk) AS row_calls_for
FROM motcua.transitions AS t
LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
WHERE t.dossier_id = any(%(dossier_ids)s)
ORDER BY t.dossier_id, t.sequence, t.from_row, t.transition_id;

-- name: settle
-- Write, for each transition of a batch, the outcome of its planning and its message (motcua.transitions). Several
-- transitions may belong to the event that a message is about. The message is found by the first of them (begun_by).
UPDATE motcua.transitions AS t
SET
    planned_at = coalesce(t.planned_at, %(now)s),
    outcome = r.outcome,
    message_id = (
        SELECT m.message_id FROM motcua.messages AS m
        WHERE m.transition_id = r.begun_by AND m.kind IN ('result', 'supplement')
    )
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (transition_id bigint, outcome text, begun_by bigint)
WHERE t.transition_id = r.transition_id;
