-- The latest notices that nothing stood in the way of, with the moment at which their transition could be read.
-- Called by sandbox/latency.py on the truth's database.
SELECT source, transition_id, committed_at
FROM truth.expected_notices
WHERE obstacle IS NULL
ORDER BY committed_at DESC
LIMIT %(limit)s
