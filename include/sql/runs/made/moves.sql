-- What a run did to messages: how many went from which state to which, and why; that a message is being sent is no end
-- and is left out. Of some agencies only, where these are listed. Called by store/oversight/runs.py.
SELECT
    m.kind,
    h.from_state,
    h.to_state,
    h.to_reason AS reason,
    count(*) AS messages
FROM motcua.message_history AS h
INNER JOIN motcua.messages AS m ON h.message_id = m.message_id
WHERE
    h.run_no = %(run_no)s
    AND h.to_state <> 'sending'
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
GROUP BY m.kind, h.from_state, h.to_state, h.to_reason
ORDER BY messages DESC, m.kind, h.from_state, h.to_state, reason
