-- Of each length of periods (day, month, quarter, year) the newest closing of the newest period that is closed.
-- Called by store/browsing/closings.py.
SELECT DISTINCT ON (c.period_length)
    c.period_length,
    c.closing_no
FROM audit.closings AS c
ORDER BY c.period_length, c.period DESC, c.closing_no DESC
