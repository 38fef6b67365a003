-- What a run did to messages: how many went from which state to which, and why, and of which kind those are that it
-- made; that a message is being sent is no end and is left out. Of some agencies only, where these are listed. Only
-- messages that must be are looked up, each by itself, however many there ever were. Called by store/browsing/runs.py.
SELECT
    m.kind,
    h.from_state,
    h.to_state,
    h.to_reason AS reason,
    count(*) AS messages
FROM motcua.message_history AS h
LEFT JOIN LATERAL (
    SELECT
        CASE WHEN h.from_state IS NULL THEN o.kind END AS kind,
        o.agency_code
    FROM motcua.messages AS o
    WHERE o.message_id = h.message_id AND (h.from_state IS NULL OR %(agencies)s::text[] IS NOT NULL)
    OFFSET 0  -- noqa: AM09
) AS m ON TRUE
WHERE
    h.run_no = %(run_no)s
    AND h.to_state <> 'sending'
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
GROUP BY m.kind, h.from_state, h.to_state, h.to_reason
ORDER BY messages DESC, m.kind, h.from_state, h.to_state, reason
