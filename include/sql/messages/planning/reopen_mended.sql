-- Messages that failed for their phone, of dossiers whose phone the desk has mended since, while they are still useful
-- and their occasion still holds. The old reason stays in message_history. A suppressed one whose phone was typed anew
-- and is unusable for another reason now gets that reason. Looks at the dossiers that motcua.phone_changes names, and
-- takes them out of it; with a window, at its messages, and leaves the others to the next plan. Each is looked up,
-- whatever PostgreSQL believes of how many they are. Returns those that are queued again. Called by
-- store/notices/messages.py.
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
RETURNING m.message_id
