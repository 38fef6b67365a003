-- Every attempt with its message: what the phone network's own log is held against.
-- Promises the order of the attempts. Called by sandbox/smoke.py.
SELECT
    a.reference,
    a.message_id,
    a.state,
    m.kind,
    m.state AS message_state
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
ORDER BY a.attempt_id
