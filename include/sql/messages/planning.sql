-- Insert the messages of a dossier, and queue a message again. An occasion is the event that a message is about, such
-- as a dossier that reaches its result. Called by store/notices/messages.py.

-- name: of_dossiers
-- Return the messages of these dossiers that have the kind result or supplement (motcua.messages).
SELECT
    message_id, dossier_id, kind, transition_id,
    CASE WHEN state IN ('accepted', 'delivered', 'unconfirmed') THEN accepted_at END AS accepted_at
FROM motcua.messages
WHERE dossier_id = any(%(dossier_ids)s) AND kind IN ('result', 'supplement')
ORDER BY message_id;

-- name: save
-- Insert new messages (motcua.messages). A dossier never gets a second message of the same kind about the same
-- occasion.
INSERT INTO motcua.messages (
    kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, msisdn, text, template_id,
    template_version,
    parameters,
    accented_parameters,
    accented,
    segments,
    occurred_at,
    recorded_at,
    planned_at,
    useful_until,
    next_attempt_at,
    carrier,
    changed_at
)
SELECT
    r.kind,
    r.dossier_id,
    r.agency_code,
    r.procedure_code,
    r.occasion,
    r.transition_id,
    r.state,
    r.reason,
    r.msisdn,
    r.text,
    r.template_id, r.template_version, r.parameters, r.accented_parameters, r.accented, r.segments,
    r.occurred_at, r.recorded_at, %(now)s,
    r.useful_until, r.next_attempt_at, r.carrier, %(now)s
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        kind text, dossier_id bigint, agency_code text, procedure_code text, occasion text, transition_id bigint,
        state text, reason text, msisdn text, text text, template_id text, template_version smallint,
        parameters text[], accented_parameters text[], accented boolean, segments smallint, occurred_at timestamptz,
        recorded_at timestamptz,
        useful_until timestamptz, next_attempt_at timestamptz, carrier text
    )
ON CONFLICT (dossier_id, kind, occasion) DO NOTHING
RETURNING state, reason;

-- name: reopen_mended
-- Queue messages again that failed because of the phone number, if the desk has corrected the dossier's phone in the
-- meantime (motcua.messages). The message must still be useful, and what it says about the dossier must still be true.
-- The old reason stays in motcua.message_history. A suppressed message gets the new reason if the new phone is unusable
-- for another reason. A queued message may use every gateway again, because a gateway's refusal of the old number does
-- not concern the new number. Without a window of time (start, end), the SQL statement examines the dossiers whose
-- phone or messages changed (motcua.phone_changes), and deletes these rows. With a window, it examines the messages
-- recorded in the window and leaves motcua.phone_changes as it is. OFFSET 0 makes PostgreSQL look up the messages of
-- each dossier through an index, because the estimated number of dossiers may be wrong. The result has the messages
-- that are queued again.
WITH compared AS (
    DELETE FROM motcua.phone_changes
    WHERE %(start)s::timestamptz IS NULL
    RETURNING dossier_id
),

candidates AS MATERIALIZED (
    SELECT f.message_id
    FROM (SELECT DISTINCT dossier_id FROM compared) AS c
    INNER JOIN LATERAL (
        SELECT o.message_id FROM motcua.messages AS o
        WHERE o.dossier_id = c.dossier_id AND o.state IN ('suppressed', 'undelivered', 'rejected')
        OFFSET 0  -- noqa: AM09
    ) AS f ON TRUE
    UNION ALL
    SELECT o.message_id FROM motcua.messages AS o
    WHERE
        o.recorded_at >= %(start)s::timestamptz AND o.recorded_at < %(end)s::timestamptz
        AND o.state IN ('suppressed', 'undelivered', 'rejected')
),

open_to_all AS (
    UPDATE motcua.messages AS m
    SET avoid = '{}', carrier = NULL
    FROM motcua.dossiers AS d
    WHERE
        m.dossier_id = any(array(SELECT c.dossier_id FROM compared AS c))
        AND d.dossier_id = m.dossier_id
        AND m.state = 'queued'
        AND m.avoid <> '{}'
        AND d.msisdn IS DISTINCT FROM m.msisdn
),

still_unusable AS (
    UPDATE motcua.messages AS m
    SET reason = d.phone_refusal
    FROM motcua.dossiers AS d
    WHERE
        m.message_id = any(array(SELECT c.message_id FROM candidates AS c))
        AND d.dossier_id = m.dossier_id
        AND m.state = 'suppressed'
        AND m.reason NOT IN ('same_day', 'kind_off', 'already_told')
        AND d.phone_refusal IS NOT NULL
        AND m.reason <> d.phone_refusal
        AND m.useful_until > %(now)s
)

UPDATE motcua.messages AS m
SET
    state = 'queued',
    reason = 'phone_mended',
    msisdn = d.msisdn,
    carrier = NULL,
    avoid = '{}',
    next_attempt_at = %(now)s
FROM motcua.dossiers AS d
WHERE
    m.message_id = any(array(SELECT c.message_id FROM candidates AS c))
    AND d.dossier_id = m.dossier_id
    AND d.msisdn IS NOT NULL
    AND m.useful_until > %(now)s
    AND m.kind IN ('result', 'supplement', 'apology')
    AND (
        (m.state = 'suppressed' AND m.reason NOT IN ('same_day', 'kind_off', 'already_told'))
        OR (
            (m.state = 'undelivered' OR (m.state = 'rejected' AND m.reason = 'phone'))
            AND d.msisdn IS DISTINCT FROM m.msisdn
        )
    )
    AND CASE m.kind
        WHEN 'apology' THEN motcua.apology_holds(m.dossier_id, m.occasion)
        ELSE motcua.occasion_holds(m.dossier_id, m.transition_id, m.kind)
    END
RETURNING m.message_id;

-- name: reopen_confirmed
-- Queue unsent messages again after a new transition has confirmed their occasions (motcua.messages). Such an occasion
-- began with an old step, which is a transition that was typed in late. A new transition of the same occasion that is
-- not old confirms it, and the message gets the time of that transition. A suppressed message stays suppressed if its
-- dossier has no usable phone.
UPDATE motcua.messages AS m
SET
    state = CASE WHEN d.msisdn IS NULL AND m.state = 'suppressed' THEN m.state ELSE 'queued' END,
    reason = CASE WHEN d.msisdn IS NULL AND m.state = 'suppressed' THEN m.reason ELSE 'confirmed' END,
    msisdn = coalesce(d.msisdn, m.msisdn),
    carrier = NULL,
    avoid = '{}',
    occurred_at = r.occurred_at,
    useful_until = r.useful_until,
    next_attempt_at = r.next_attempt_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        message_id bigint, occurred_at timestamptz, useful_until timestamptz, next_attempt_at timestamptz
    )
CROSS JOIN motcua.dossiers AS d
WHERE
    m.message_id = r.message_id
    AND m.dossier_id = d.dossier_id
    AND (
        m.state = 'queued'
        OR (m.state = 'suppressed' AND m.reason NOT IN ('same_day', 'kind_off'))
        OR (m.state, m.reason) IN (('cancelled', 'outdated'), ('expired', 'too_late'))
    )
    AND r.useful_until > %(now)s
RETURNING m.message_id;

-- name: make_due_judged
-- Make queued messages of these dossiers due at once if they waited for the decision whether an old step counts
-- (motcua.messages). The dossier's row decides, and has now been read again.
UPDATE motcua.messages
SET next_attempt_at = %(now)s
WHERE dossier_id = any(%(dossier_ids)s) AND state = 'queued' AND reason = 'old_step' AND next_attempt_at > %(now)s;

-- name: make_due
-- Make queued messages that were recorded in a window due at once, if their last attempt failed and they wait for a
-- retry (motcua.messages). A backfill uses this SQL statement. Messages stay as they are if they wait because sending
-- was stopped by order, because a person must decide about them, or because a gateway is closed.
UPDATE motcua.messages
SET next_attempt_at = %(now)s
WHERE
    state = 'queued'
    AND attempts_made > 0
    AND coalesce(reason, '') NOT IN ('stopped', 'slept', 'waits_for_opening')
    AND recorded_at >= %(start)s
    AND recorded_at < %(end)s;
