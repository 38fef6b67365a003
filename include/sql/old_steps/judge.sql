-- The rows of these dossiers, read at this moment, judge the old steps that wait for them. Each row is kept as a
-- version once more, so that it is on record what judged and when. An old step counts where the row calls for what it
-- calls for, or no longer says the condition that held before it. A row without a status judges nothing. Returns the
-- dossiers. Called by store/notices/old_steps.py.
WITH waiting AS (
    SELECT DISTINCT o.dossier_id
    FROM motcua.old_steps AS o
    INNER JOIN motcua.dossiers AS d ON o.dossier_id = d.dossier_id
    WHERE
        o.dossier_id = any(%(dossier_ids)s) AND o.ask_at IS NOT NULL AND o.read_from <= %(now)s
        AND d.status_code IS NOT NULL
),

read AS (
    INSERT INTO motcua.dossier_versions (
        dossier_id, seen_at, updated_at, procedure_code, applicant_phone, phone_entered_at, received_at, due_at,
        step_name, status_code, at_one_stop_desk, finished_at, returned_at, submitted_via
    )
    SELECT
        d.dossier_id, %(now)s, d.updated_at, d.procedure_code, d.applicant_phone, d.phone_entered_at, d.received_at,
        d.due_at, d.step_name, d.status_code, d.at_one_stop_desk, d.finished_at, d.returned_at, d.submitted_via
    FROM waiting AS w
    INNER JOIN motcua.dossiers AS d ON w.dossier_id = d.dossier_id
    RETURNING dossier_id, version_id, motcua.condition_of(status_code, at_one_stop_desk) AS says
)

UPDATE motcua.old_steps AS o
SET
    version_id = r.version_id,
    ask_at = NULL,
    has_force = r.says IS NOT DISTINCT FROM motcua.condition_of(t.status_code, t.at_one_stop_desk)
    OR coalesce(b.said IS DISTINCT FROM r.says AND b.said IS NOT NULL, FALSE)
FROM read AS r
INNER JOIN motcua.old_steps AS w ON r.dossier_id = w.dossier_id
INNER JOIN motcua.transitions AS t ON w.transition_id = t.transition_id
LEFT JOIN LATERAL (
    SELECT motcua.condition_of(n.status_code, n.at_one_stop_desk) AS said
    FROM motcua.transitions AS n
    WHERE
        n.dossier_id = t.dossier_id
        AND (n.sequence, n.from_row, n.transition_id) < (t.sequence, t.from_row, t.transition_id)
        AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS p WHERE p.transition_id = n.transition_id)
    ORDER BY n.sequence DESC, n.from_row DESC, n.transition_id DESC
    LIMIT 1
) AS b ON TRUE
WHERE
    o.transition_id = w.transition_id AND o.version_id IS NULL AND o.ask_at IS NOT NULL AND o.read_from <= %(now)s
RETURNING o.dossier_id
