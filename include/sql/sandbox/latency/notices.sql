-- The latest notices that nothing stood in the way of, committed within these bounds, with the moment at which their
-- transition could be read.
-- Called by sandbox/latency.py on the truth's database.
SELECT source, transition_id, committed_at
FROM truth.expected_notices
WHERE
    obstacle IS NULL
    AND committed_at >= coalesce(%(since)s::timestamptz, '-infinity')
    AND committed_at < coalesce(%(until)s::timestamptz, 'infinity')
ORDER BY committed_at DESC
LIMIT %(limit)s
