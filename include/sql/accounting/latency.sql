-- Seconds from the recording of a transition to the gateway's acceptance, over the last N messages of the first attempt;
-- and from the source's commit as far as it can be seen (recorded_at is the source's own clock).
-- Called by store/accounting.py.
WITH latest AS (
    SELECT extract(EPOCH FROM m.accepted_at - m.recorded_at) AS seconds
    FROM motcua.messages AS m
    INNER JOIN motcua.transitions AS t ON m.transition_id = t.transition_id
    WHERE m.accepted_at IS NOT NULL AND m.attempts_made = 1 AND t.picked_up_at >= %(since)s AND m.recorded_at >= %(since)s
    ORDER BY m.accepted_at DESC
    LIMIT %(limit)s
)

SELECT
    count(*) AS messages,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99,
    max(seconds) AS longest
FROM latest
