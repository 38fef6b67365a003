-- Mark and judge old steps. A step is a dossier's transition. An old step was typed in late: its number is higher than
-- that of a step that happened after it. An old step is marked when it is read. Later the dossier's row is read again
-- and decides whether the old step counts like other steps. Called by store/notices/transitions.py.

-- name: since
-- Return the time from which the ledger distinguishes old steps from other steps (motcua.rule_dates).
SELECT since FROM motcua.rule_dates WHERE rule = 'old_steps';

-- name: mark
-- Insert the old steps of these dossiers that the transitions read in this run reveal (motcua.old_steps). A step is old
-- if another step of the same dossier and source has a lower number but happened later, by more than a tolerance. The
-- tolerance is twice the possible error of the source's clocks (clock_skew). The old step must also have been recorded
-- after the other step happened, or within the tolerance before that. A step is not old if its time had to be cleaned
-- (motcua.cleaned_fields) or is exactly midnight, or if its status ends a dossier (3, 7, 10).
WITH steps AS (
    SELECT
        t.transition_id,
        t.source_id,
        t.dossier_id,
        t.sequence,
        t.from_row,
        t.status_code,
        t.occurred_at,
        t.recorded_at,
        max(t.occurred_at) OVER (
            PARTITION BY t.dossier_id, t.source_id
            ORDER BY t.sequence, t.from_row, t.transition_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS latest_before
    FROM motcua.transitions AS t
    WHERE t.dossier_id = any(%(dossier_ids)s)
),

old AS (
    SELECT
        s.*,
        greatest(
            s.transition_id,
            (
                SELECT min(b.transition_id)
                FROM motcua.transitions AS b
                WHERE
                    b.dossier_id = s.dossier_id AND b.source_id = s.source_id
                    AND (b.sequence, b.from_row, b.transition_id) < (s.sequence, s.from_row, s.transition_id)
                    AND b.occurred_at > s.occurred_at + 2 * %(clock_skew)s::interval
            )
        ) AS known_from
    FROM steps AS s
    WHERE
        s.occurred_at < s.latest_before - 2 * %(clock_skew)s::interval
        AND s.recorded_at >= s.latest_before - 2 * %(clock_skew)s::interval
        AND NOT s.from_row
        AND s.status_code NOT IN (3, 7, 10)
        AND (s.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::time <> '00:00'
        AND s.recorded_at >= (SELECT r.since FROM motcua.rule_dates AS r WHERE r.rule = 'old_steps')
        AND NOT EXISTS (
            SELECT 1 FROM motcua.cleaned_fields AS c
            WHERE
                c.dossier_id = s.dossier_id AND c.transition_id = s.transition_id
                AND 'occurred_at' = any(string_to_array(c.detail, ', '))
        )
)

INSERT INTO motcua.old_steps (transition_id, source_id, dossier_id, known_from, read_from, marked_at, ask_at)
SELECT
    o.transition_id,
    o.source_id,
    o.dossier_id,
    o.known_from,
    o.recorded_at + %(clock_skew)s::interval,
    %(now)s,
    o.recorded_at + %(clock_skew)s::interval
FROM old AS o
-- known_from is the old step or the step that happened after it, whichever was read later. The old step is inserted
-- only if this run read the step known_from. So an old step is never inserted if both steps were read before this rule
-- existed.
INNER JOIN motcua.transitions AS k ON o.known_from = k.transition_id
WHERE k.picked_up_at = %(now)s
ON CONFLICT (transition_id) DO NOTHING;

-- name: to_judge
-- Return a source's dossiers whose rows must be read again now to judge old steps (motcua.old_steps). Each dossier is
-- returned once for every code that the source may write for its agency.
SELECT
    d.dossier_id,
    d.agency_code,
    d.dossier_code,
    s.written
FROM (
    SELECT DISTINCT o.dossier_id
    FROM motcua.old_steps AS o
    WHERE o.source_id = %(source_id)s AND o.ask_at <= %(now)s
) AS w
INNER JOIN motcua.dossiers AS d ON w.dossier_id = d.dossier_id
INNER JOIN motcua.agency_scopes AS s ON d.agency_code = s.agency_code
ORDER BY d.dossier_id, s.written;

-- name: judge
-- Decide whether the old steps of these dossiers count (has_force), and return the dossiers (motcua.old_steps). The row
-- of the dossier that was read in this run decides. The row is inserted as a version, so that the ledger holds the
-- version that decided (motcua.dossier_versions). An old step counts if it calls for the same kind of message as the
-- row, or if both call for none. It also counts if the last ordinary step before it called for a message that the row
-- does not call for (motcua.condition_of). A dossier whose row has no status is not judged.
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
RETURNING o.dossier_id;

-- name: put_off
-- Postpone old steps whose dossier's row the source did not return, or returned without a status (motcua.old_steps).
-- The row is read again five minutes later, until a week after the old step was marked.
UPDATE motcua.old_steps
SET ask_at = CASE WHEN marked_at > %(now)s - interval '7 days' THEN %(now)s + interval '5 minutes' END
WHERE source_id = %(source_id)s AND ask_at <= %(now)s;
