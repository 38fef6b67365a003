-- Publications whose last verification found differences, with it, the newest first.
-- Called by store/oversight/verifications.py.
SELECT
    v.publication_no,
    c.closing_no,
    c.period,
    v.verified_at,
    v.verified_by,
    v.faults
FROM audit.publication_verifications AS v
INNER JOIN audit.publications AS p ON v.publication_no = p.publication_no
INNER JOIN audit.closings AS c ON p.closing_no = c.closing_no
WHERE
    v.faults > 0
    AND NOT EXISTS (
        SELECT 1
        FROM audit.publication_verifications AS later
        WHERE later.publication_no = v.publication_no AND later.verification_no > v.verification_no
    )
ORDER BY v.publication_no DESC
