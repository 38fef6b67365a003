-- What is queued and was recorded up to the moment of an open gap: not due while it is useful, so that no sender meets
-- it again and again. Whoever answers the gap waits for this: a message is held before it is let go, or not
-- at all. Called by store/notices/gaps.py.
WITH gap AS MATERIALIZED (
    SELECT g.held_until
    FROM motcua.gaps AS g
    WHERE g.closed_at IS NULL AND g.held_until IS NOT NULL
    FOR SHARE
)

UPDATE motcua.messages AS m
SET
    reason = 'slept',
    next_attempt_at = greatest(m.next_attempt_at, m.useful_until)
FROM gap AS g
WHERE
    m.state = 'queued'
    AND m.recorded_at <= g.held_until
    AND (m.reason IS DISTINCT FROM 'slept' OR m.next_attempt_at < m.useful_until)
