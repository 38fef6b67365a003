-- Publications that a run verified, with how many differences. Called by store/browsing/runs.py.
SELECT
    v.publication_no,
    c.closing_no,
    c.period,
    v.faults
FROM audit.publication_verifications AS v
INNER JOIN audit.publications AS p ON v.publication_no = p.publication_no
INNER JOIN audit.closings AS c ON p.closing_no = c.closing_no
WHERE v.verified_by = %(run_id)s
ORDER BY v.faults DESC, v.publication_no DESC
