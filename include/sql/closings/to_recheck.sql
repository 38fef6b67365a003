-- Periods that were closed for the first time with the cut-off in [closed_since, closed_before) and have not been
-- corrected as long after it, the oldest first. Called by store/oversight/closings.py.
SELECT c.period
FROM motcua.closings AS c
WHERE
    c.as_of >= %(closed_since)s AND c.as_of < %(closed_before)s AND c.corrects IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM motcua.closings AS n
        WHERE n.period = c.period AND n.corrects IS NOT NULL AND n.as_of > c.as_of + %(after)s::interval
    )
ORDER BY c.as_of, array_position(ARRAY['day', 'month', 'quarter', 'year'], c.period_length), c.period
