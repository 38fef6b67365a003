-- Periods that a run closed, whether they meet, and the publication of each. Called by store/browsing/runs.py.
SELECT
    c.closing_no,
    c.period,
    c.corrects,
    c.difference,
    c.unexplained,
    c.sources_unread,
    p.publication_no
FROM motcua.closings AS c
LEFT JOIN motcua.publications AS p ON c.closing_no = p.closing_no
WHERE c.run_id = %(run_id)s
ORDER BY c.closing_no
