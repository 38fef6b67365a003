-- Write the gateways' answers to messages, end messages without a delivery receipt or too late to send, and release
-- messages of unknown outcome. Called by store/notices/messages.py.

-- name: apply_outcomes
-- Write the gateway's answers to the messages in flight (motcua.messages). A message is skipped if its delivery receipt
-- came before the answer.
UPDATE motcua.messages AS m
SET
    state = r.state,
    reason = r.reason,
    accepted_at = CASE WHEN r.state = 'accepted' THEN r.answered_at ELSE m.accepted_at END,
    next_attempt_at = coalesce(r.next_attempt_at, m.next_attempt_at),
    avoid = coalesce(r.avoid, m.avoid)
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        message_id bigint, state text, reason text, answered_at timestamptz, next_attempt_at timestamptz, avoid text[]
    )
WHERE m.message_id = r.message_id AND m.state = 'sending';

-- name: do_not_wait
-- Make messages due at once that failed just before their gateway was paused for the same failure (motcua.messages).
-- They wait for the gateway, so they need no waiting time of their own.
UPDATE motcua.messages
SET next_attempt_at = %(now)s
WHERE message_id = any(%(message_ids)s) AND state = 'queued' AND reason = 'gateway_busy';

-- name: close_unconfirmed
-- Set accepted messages to unconfirmed if no final delivery receipt came within the time that is set for their gateway
-- (motcua.messages). A message is skipped while one of its receipts is stored but not applied. A receipt that comes
-- later still changes the state.
UPDATE motcua.messages AS m
SET state = 'unconfirmed', reason = 'no_receipt'
WHERE m.message_id IN (
    SELECT n.message_id
    FROM motcua.messages AS n
    LEFT JOIN LATERAL (
        SELECT a.gateway FROM motcua.attempts AS a
        WHERE a.message_id = n.message_id
        ORDER BY a.attempt_id DESC
        LIMIT 1
    ) AS l ON TRUE
    -- A lateral query is used because PostgreSQL evaluates it for each row. For a plain join it would read all
    -- inquiries (texts to 9029).
    LEFT JOIN LATERAL (
        SELECT min(q.gateway) AS gateway FROM motcua.inquiries AS q
        WHERE q.message_id = n.message_id
    ) AS i ON TRUE
    WHERE
        n.state = 'accepted'
        AND n.accepted_at <= %(before)s
        AND coalesce(l.gateway, i.gateway) = %(gateway)s
        AND (%(start)s::timestamptz IS NULL OR (n.recorded_at >= %(start)s AND n.recorded_at < %(end)s))
        AND 0 = (
            SELECT count(*)
            FROM motcua.attempts AS a
            INNER JOIN motcua.receipts AS r ON a.reference = r.reference
            LEFT JOIN motcua.receipt_readings AS s ON r.receipt_id = s.receipt_id
            WHERE a.message_id = n.message_id AND s.receipt_id IS NULL
        )
    ORDER BY n.message_id
    LIMIT 10000
    FOR UPDATE OF n SKIP LOCKED
);

-- name: expire
-- Set queued messages to expired once they are of no use to the citizen (motcua.messages). This also happens while no
-- gateway may be used.
UPDATE motcua.messages AS m
SET state = 'expired', reason = 'too_late'
WHERE m.message_id IN (
    SELECT n.message_id
    FROM motcua.messages AS n
    WHERE
        n.state = 'queued' AND n.useful_until <= %(now)s
        AND (%(start)s::timestamptz IS NULL OR (n.recorded_at >= %(start)s AND n.recorded_at < %(end)s))
    -- The messages are read in the order of the queue's index. If they were ordered by message_id and many were queued,
    -- PostgreSQL would read the whole table.
    ORDER BY n.next_attempt_at, n.message_id
    LIMIT 10000
    FOR UPDATE SKIP LOCKED
);

-- name: count_held
-- Return the number of messages of unknown outcome at each gateway, and how many of them are still useful
-- (motcua.messages). The parameter agencies limits the count to some agencies; NULL means all.
SELECT a.gateway, count(*) AS held, count(*) FILTER (WHERE m.useful_until > %(now)s) AS useful
FROM motcua.messages AS m
INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
WHERE
    m.state = 'unknown'
    AND a.state = 'unknown'
    AND NOT a.released
    AND (%(start)s::timestamptz IS NULL OR (m.recorded_at >= %(start)s AND m.recorded_at < %(end)s))
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s))
GROUP BY a.gateway
ORDER BY a.gateway;

-- name: held
-- Return messages of unknown outcome, each with the attempt whose outcome is unknown (motcua.messages,
-- motcua.attempts). The query returns the messages with the given numbers, or the first messages of some or all
-- agencies. The result holds no phone number and no text.
SELECT
    m.message_id,
    m.kind,
    m.agency_code,
    d.dossier_code,
    p.name AS procedure_name,
    m.reason,
    m.useful_until,
    a.gateway,
    a.started_at,
    a.settlings,
    a.gateway_code
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
LEFT JOIN motcua.procedures AS p ON m.procedure_code = p.procedure_code
WHERE
    m.state = 'unknown'
    AND a.state = 'unknown'
    AND NOT a.released
    AND (%(useful_at)s::timestamptz IS NULL OR m.useful_until > %(useful_at)s)
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s))
    AND (%(message_ids)s::bigint[] IS NULL OR m.message_id = any(%(message_ids)s))
ORDER BY m.message_id
LIMIT %(limit)s;

-- name: release
-- Release messages of unknown outcome, so that they are sent once more (motcua.release_messages).
SELECT r.message_id
FROM motcua.release_messages(
    %(released_by)s, %(reason)s, %(now)s, %(message_ids)s::bigint[], %(gateway)s, %(start)s, %(end)s
) AS r;

-- name: releases
-- Return the releases of messages of unknown outcome, for some agencies or all, the latest first (motcua.releases). The
-- result holds no phone number and no text.
SELECT
    r.released_at, r.released_by, r.reason, m.kind, m.agency_code, d.dossier_code, p.name AS procedure_name, m.state
FROM motcua.releases AS r
INNER JOIN motcua.messages AS m ON r.message_id = m.message_id
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
LEFT JOIN motcua.procedures AS p ON m.procedure_code = p.procedure_code
WHERE %(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s)
ORDER BY r.release_id DESC
LIMIT %(limit)s;
