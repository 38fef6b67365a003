-- The newest closing of each of these periods, of those below a number where one is given. Called by
-- store/oversight/closings.py.
SELECT DISTINCT ON (period)
    period,
    closing_no
FROM audit.closings
WHERE period = any(%(periods)s::text[]) AND (%(below)s::bigint IS NULL OR closing_no < %(below)s)
ORDER BY period, closing_no DESC
