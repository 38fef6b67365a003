-- Of messages that a gap left with unknown outcome those whose gateway's answer the journal knows: accepted.
-- Called by store/notices/gaps.py.
UPDATE motcua.messages AS m
SET state = 'accepted', reason = 'restored', accepted_at = a.answered_at
FROM motcua.attempts AS a
WHERE
    m.message_id = any(%(message_ids)s)
    AND m.state = 'unknown'
    AND a.message_id = m.message_id
    AND a.state = 'accepted'
    AND NOT a.released
