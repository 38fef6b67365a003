-- Periods that were closed once, with the cut-off in [closed_since, closed_before), the oldest first.
-- Called by store/closings.py.
SELECT c.period
FROM motcua.closings AS c
WHERE
    c.as_of >= %(closed_since)s AND c.as_of < %(closed_before)s AND c.corrects IS NULL
    AND NOT EXISTS (SELECT 1 FROM motcua.closings AS n WHERE n.corrects = c.closing_no)
ORDER BY c.as_of, char_length(c.period) DESC, c.period
