-- Find one dossier for a page, and read its state and its history, the newest entry first. A visitor finds only
-- dossiers of the agencies that the visitor may see. Called by store/dossiers.py.

-- name: find
-- Return the dossiers whose code matches one of the given codes, for one agency or for all that the visitor may see
-- (motcua.dossiers).
SELECT
    d.dossier_id, d.agency_code, d.dossier_code, d.procedure_code, p.name AS procedure_name, d.step_name,
    d.status_code, d.received_at, d.due_at, d.picked_up_at
FROM motcua.dossiers AS d
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
WHERE
    motcua.code_key(d.dossier_code)
    = any(array(SELECT motcua.code_key(k.code) FROM unnest(%(keys)s::text[]) AS k (code)))
    AND (%(agency_code)s::text IS NULL OR d.agency_code = %(agency_code)s)
    AND (%(agencies)s::text[] IS NULL OR d.agency_code = any(%(agencies)s))
ORDER BY d.picked_up_at DESC, d.dossier_id
LIMIT %(limit)s;

-- name: find_by_tail
-- Return the dossiers of these agencies whose code ends with the given characters, the newest first (motcua.dossiers).
-- Points, slashes and hyphens within the code are ignored.
SELECT
    d.dossier_id, d.agency_code, d.dossier_code, d.procedure_code, p.name AS procedure_name, d.step_name,
    d.status_code, d.received_at, d.due_at, d.picked_up_at
FROM motcua.dossiers AS d
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
WHERE
    d.agency_code = any(%(agencies)s::text[])
    -- A range is used because LIKE with a parameter as its pattern uses no index.
    AND reverse(translate(motcua.code_key(d.dossier_code), './-', '')) COLLATE "C" >= reverse(%(tail)s::text)
    AND reverse(translate(motcua.code_key(d.dossier_code), './-', '')) COLLATE "C"
    < reverse(%(tail)s::text) || chr(1114111)
ORDER BY d.picked_up_at DESC, d.dossier_id
LIMIT %(limit)s;

-- name: find_by_phone
-- Return the dossiers with this phone number, the newest first, as far as the visitor may see them (motcua.dossiers).
SELECT
    d.dossier_id, d.agency_code, d.dossier_code, d.procedure_code, p.name AS procedure_name, d.step_name,
    d.status_code, d.received_at, d.due_at, d.picked_up_at
FROM motcua.dossiers AS d
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
WHERE
    d.msisdn = %(msisdn)s
    AND (%(agencies)s::text[] IS NULL OR d.agency_code = any(%(agencies)s))
ORDER BY d.picked_up_at DESC, d.dossier_id
LIMIT %(limit)s;

-- name: by_number
-- Return the dossiers with these numbers, the newest first, as far as the visitor may see them (motcua.dossiers).
SELECT
    d.dossier_id, d.agency_code, d.dossier_code, d.procedure_code, p.name AS procedure_name, d.step_name,
    d.status_code, d.received_at, d.due_at, d.picked_up_at
FROM motcua.dossiers AS d
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
WHERE
    d.dossier_id = any(%(dossier_ids)s::bigint[])
    AND (%(agencies)s::text[] IS NULL OR d.agency_code = any(%(agencies)s))
ORDER BY d.picked_up_at DESC, d.dossier_id
LIMIT %(limit)s;

-- name: unusable_rows
-- Return the rows of sources that could not be used and whose dossier code matches one of the given codes
-- (motcua.quarantine). An agency's rows are found by its code or by the other codes that sources write for it. Rows of
-- an unknown agency are returned only to a visitor who may see all agencies.
SELECT
    q.row_kind, q.reason, q.agency_code, q.dossier_code, q.status_code, q.first_seen_at, q.last_seen_at, q.released_at
-- Each code is looked up separately. For all codes together PostgreSQL expects many rows and reads the whole
-- quarantine.
FROM (SELECT DISTINCT motcua.code_key(k.code) AS code_key FROM unnest(%(keys)s::text[]) AS k (code)) AS w
CROSS JOIN
    LATERAL (
        SELECT l.*
        FROM motcua.quarantine AS l
        -- This condition lets PostgreSQL use the index, which covers only rows with a code.
        WHERE l.dossier_code IS NOT NULL AND motcua.code_key(l.dossier_code) = w.code_key
        OFFSET 0  -- noqa: AM09
    ) AS q
LEFT JOIN motcua.agency_aliases AS a ON btrim(q.agency_code) = a.alias
WHERE
    (%(agency_code)s::text IS NULL OR %(agency_code)s IN (btrim(q.agency_code), a.agency_code))
    AND (
        %(agencies)s::text[] IS NULL
        OR btrim(q.agency_code) = any(%(agencies)s)
        OR a.agency_code = any(%(agencies)s)
    )
ORDER BY q.quarantine_id
LIMIT %(limit)s;

-- name: story
-- Return the main data of one dossier, with which its page explains whether the citizen was informed (motcua.dossiers).
-- The data are the agency's settings and name, the phone, whether the dossier is at the desk or handed over, and what
-- planning decided on its last step. The result holds personal data.
SELECT
    d.dossier_id,
    d.agency_code,
    d.dossier_code,
    motcua.code_key(d.dossier_code) AS code_key,
    coalesce(f.short_name, f.name) AS agency_name,
    g.province,
    d.procedure_code,
    p.name AS procedure_name,
    d.applicant_name,
    d.msisdn,
    d.phone_refusal,
    d.purged_at,
    d.received_at,
    d.due_at,
    d.finished_at,
    d.returned_at,
    d.picked_up_at,
    r.picked_up_at AS read_at,
    CASE WHEN f.in_charge IS NOT NULL THEN g.enabled_from END AS enabled_from,
    g.same_day_excluded,
    g.same_day_procedures,
    g.kinds_off,
    CASE
        WHEN t.row_speaks OR t.recorded_at IS NULL OR t.recorded_at <= coalesce(d.updated_at, '-infinity')
            THEN d.at_one_stop_desk
        ELSE l.at_one_stop_desk
    END AS at_one_stop_desk,
    coalesce(s.handed_over, FALSE) AS handed_over,
    l.outcome AS present_outcome,
    (SELECT n.noticed_at FROM motcua.gaps AS n WHERE n.closed_at IS NULL AND n.held_until IS NULL)
        AS nothing_sent_since,
    motcua.stopped_until('reply', d.agency_code, %(now)s) IS NOT NULL AS inquiries_are_stopped
FROM motcua.dossiers AS d
INNER JOIN motcua.sources AS r ON d.source_id = r.source_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.agencies_on((%(now)s::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date) AS f
    ON d.agency_code = f.agency_code
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
LEFT JOIN LATERAL motcua.last_step(d.dossier_id, 'infinity', 9223372036854775807, 9223372036854775807) AS t ON TRUE
LEFT JOIN LATERAL (
    SELECT n.at_one_stop_desk, n.outcome
    FROM motcua.transitions AS n
    WHERE
        n.dossier_id = d.dossier_id
        AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS o WHERE o.transition_id = n.transition_id)
    ORDER BY n.sequence DESC, n.from_row DESC, n.transition_id DESC
    LIMIT 1
) AS l ON TRUE
LEFT JOIN LATERAL motcua.dossier_as_of(d.dossier_id, %(now)s, 9223372036854775807, 9223372036854775807) AS s ON TRUE
WHERE
    d.dossier_id = %(dossier_id)s
    AND (%(agencies)s::text[] IS NULL OR d.agency_code = any(%(agencies)s));

-- name: transitions
-- Return a dossier's steps with what planning decided on each, the newest first (motcua.transitions). is_old marks an
-- old step, which was typed in late. has_force is true if an old step counts like any other step, and NULL if this is
-- not judged yet. The result holds no notes and no names.
SELECT
    t.transition_id,
    t.recorded_at AS at,
    t.occurred_at,
    t.from_step,
    t.to_step,
    t.status_code,
    t.at_one_stop_desk,
    t.from_row,
    t.outcome,
    t.message_id,
    o.transition_id IS NOT NULL AS is_old,
    o.has_force
FROM motcua.transitions AS t
LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
WHERE t.dossier_id = %(dossier_id)s
ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
LIMIT %(limit)s;

-- name: versions
-- Return the first version of a dossier's row and each version in which the due date or the phone changed, the newest
-- first (motcua.dossier_versions). The result holds the phone field as typed; the caller converts it for display.
SELECT
    v.version_id, v.at, v.due_at, v.due_before, v.applicant_phone, v.phone_before, v.phone_entered_at, v.is_first,
    v.phone_emptied, v.emptied_before
FROM (
    SELECT
        n.version_id,
        coalesce(n.updated_at, n.seen_at) AS at,
        n.due_at,
        lag(n.due_at) OVER w AS due_before,
        n.applicant_phone,
        lag(n.applicant_phone) OVER w AS phone_before,
        n.purged_at IS NOT NULL AS phone_emptied,
        coalesce(lag(n.purged_at) OVER w IS NOT NULL, FALSE) AS emptied_before,
        n.phone_entered_at,
        lag(n.version_id) OVER w IS NULL AS is_first
    FROM motcua.dossier_versions AS n
    WHERE n.dossier_id = %(dossier_id)s
    WINDOW w AS (ORDER BY n.version_id)
) AS v
WHERE
    v.is_first
    OR v.due_at IS DISTINCT FROM v.due_before
    OR v.applicant_phone IS DISTINCT FROM v.phone_before
ORDER BY v.version_id DESC
LIMIT %(limit)s;

-- name: messages
-- Return a dossier's messages except replies, each with the conditions that a sender would check now (motcua.messages,
-- motcua.occasion_conditions). A column with the same name as a column of motcua.sending_conditions has the same
-- meaning. The comparison with the other messages of the same kind is made once for all messages, because a dossier may
-- have hundreds of them.
WITH theirs AS MATERIALIZED (
    SELECT
        n.*,
        (SELECT max(a.started_at) FROM motcua.attempts AS a WHERE a.message_id = n.message_id) AS attempted_at
    FROM motcua.messages AS n
    WHERE n.dossier_id = %(dossier_id)s AND n.kind <> 'reply'
),

beside_others AS MATERIALIZED (
    SELECT
        n.*,
        max(n.accepted_at) FILTER (WHERE n.state IN ('accepted', 'delivered', 'unconfirmed')) OVER others AS told_at,
        max(n.attempted_at) FILTER (WHERE n.state IN ('sending', 'unknown')) OVER others AS unsettled_since,
        coalesce(bool_or(n.state IN ('accepted', 'delivered', 'unconfirmed')) OVER others, FALSE) AS is_told,
        coalesce(bool_or(n.state IN ('sending', 'unknown')) OVER others, FALSE) AS is_unsettled
    FROM theirs AS n
    WINDOW
        others AS (
            PARTITION BY n.kind ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW
        )
    ORDER BY n.message_id DESC
    LIMIT %(limit)s
)

SELECT
    m.message_id,
    m.kind,
    m.state,
    m.reason,
    m.occurred_at,
    m.useful_until,
    m.next_attempt_at,
    m.accepted_at,
    m.attempted_at,
    motcua.stopped_until(m.kind, m.agency_code, %(now)s) AS stopped_until,
    coalesce(m.msisdn = c.msisdn, FALSE) AS went_to_present_number,
    c.phone_refusal,
    c.returned_at,
    c.kind_off,
    c.occasion_holds,
    m.told_at,
    m.unsettled_since,
    c.gone,
    c.waits_until,
    c.waits_for_row,
    m.is_told
    AND coalesce(
        motcua.is_told_of(c.dossier_id, m.transition_id, m.kind, '{accepted, delivered, unconfirmed}'), FALSE
    ) AS told_of_this,
    m.is_unsettled
    AND coalesce(motcua.is_told_of(c.dossier_id, m.transition_id, m.kind, '{sending, unknown}'), FALSE)
        AS unsettled_of_this
FROM beside_others AS m
INNER JOIN motcua.occasion_conditions AS c ON m.message_id = c.message_id
ORDER BY m.message_id DESC;

-- name: sent
-- Return how a message was sent (motcua.messages, motcua.attempts): its phone number, its gateway, the unit that the
-- gateway counts (empty: SMS segments), and when a delivery receipt confirmed it. The result holds a phone number.
SELECT
    m.msisdn,
    a.gateway,
    g.unit,
    (
        SELECT max(h.changed_at) FROM motcua.message_history AS h
        WHERE h.message_id = m.message_id AND h.to_state = 'delivered'
    ) AS delivered_at
FROM motcua.messages AS m
LEFT JOIN LATERAL (
    SELECT t.gateway
    FROM motcua.attempts AS t
    WHERE t.message_id = m.message_id
    ORDER BY t.state IN ('accepted', 'delivered') DESC, t.attempt_id DESC
    LIMIT 1
) AS a ON TRUE
LEFT JOIN motcua.gateways AS g ON a.gateway = g.name
WHERE m.message_id = %(message_id)s;

-- name: moves
-- Return each change of state of a dossier's messages except replies (motcua.message_history). The first change of a
-- message comes with the message's text.
SELECT
    h.history_id,
    h.changed_at AS at,
    m.message_id,
    m.kind,
    h.from_state,
    h.to_state,
    h.to_reason,
    CASE WHEN h.from_state IS NULL THEN m.text END AS text
FROM motcua.messages AS m
INNER JOIN motcua.message_history AS h ON m.message_id = h.message_id
WHERE m.dossier_id = %(dossier_id)s AND m.kind <> 'reply'
ORDER BY h.history_id DESC
LIMIT %(limit)s;

-- name: attempts
-- Return the attempts of a dossier's messages, each with the gateway's answer and the person who released the message
-- after the attempt (motcua.attempts). The result holds no phone number.
SELECT
    a.attempt_id,
    a.started_at AS at,
    a.message_id,
    a.gateway,
    a.state,
    a.outcome,
    a.http_status,
    a.gateway_code,
    a.answered_at,
    r.released_at,
    r.released_by,
    r.reason AS released_because
FROM motcua.messages AS m
INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
LEFT JOIN motcua.releases AS r ON a.attempt_id = r.attempt_id AND m.message_id = r.message_id
WHERE m.dossier_id = %(dossier_id)s AND m.kind <> 'reply'
ORDER BY a.attempt_id DESC
LIMIT %(limit)s;

-- name: receipts
-- Return the delivery receipts of a dossier's messages, each with the meaning and the effect that it had for the system
-- (motcua.receipts, motcua.receipt_readings).
SELECT
    r.receipt_id,
    r.received_at AS at,
    a.message_id,
    r.gateway,
    s.meaning,
    s.effect,
    r.gateway_status
FROM motcua.messages AS m
INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
INNER JOIN motcua.receipt_readings AS s ON a.attempt_id = s.attempt_id
INNER JOIN motcua.receipts AS r ON s.receipt_id = r.receipt_id
WHERE m.dossier_id = %(dossier_id)s
ORDER BY r.receipt_id DESC
LIMIT %(limit)s;

-- name: inquiries
-- Return the inquiries to 9029 about a dossier with their replies (motcua.inquiries). They are found through the
-- replies, which name the dossier.
SELECT
    i.inquiry_id,
    i.received_at AS at,
    i.msisdn,
    i.gateway,
    m.message_id,
    m.text,
    m.state
FROM (
    SELECT n.message_id, n.text, n.state
    FROM motcua.messages AS n
    WHERE n.dossier_id = %(dossier_id)s AND n.kind = 'reply'
    ORDER BY n.message_id DESC
    LIMIT %(limit)s
) AS m
INNER JOIN motcua.inquiries AS i ON m.message_id = i.message_id
ORDER BY i.inquiry_id DESC;

-- name: complaints
-- Return the complaints about a dossier without their notes (motcua.complaints).
SELECT
    c.complaint_id,
    c.received_at AS at,
    c.claim,
    c.channel,
    c.outcome,
    c.outcome_at,
    c.withdrawn_at,
    c.message_id
FROM motcua.complaints AS c
WHERE c.dossier_id = %(dossier_id)s
ORDER BY c.complaint_id DESC
LIMIT %(limit)s;

-- name: findings
-- Return the findings about a dossier: faults that the rules of data quality found (motcua.findings). An episode is the
-- time from the first run that found the fault to the first run that did not find it any more. Each row is one episode.
SELECT
    f.finding_id,
    f.rule,
    f.since,
    b.as_of AS at,
    c.as_of AS closed_at,
    e.deadline
FROM motcua.findings AS f
INNER JOIN motcua.finding_episodes AS e ON f.finding_id = e.finding_id
INNER JOIN motcua.quality_runs AS b ON e.opened_run = b.run_no
LEFT JOIN motcua.quality_runs AS c ON e.closed_run = c.run_no
WHERE f.dossier_id = %(dossier_id)s
ORDER BY e.opened_run DESC, f.finding_id DESC
LIMIT %(limit)s;
