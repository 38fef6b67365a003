-- Of those of some closings that were published, the last verification of each publication; empty: there was none.
-- Called by store/oversight/verifications.py.
SELECT
    p.closing_no,
    l.verified_at,
    l.faults
FROM audit.publications AS p
LEFT JOIN LATERAL (
    SELECT
        v.verified_at,
        v.faults
    FROM audit.publication_verifications AS v
    WHERE v.publication_no = p.publication_no
    ORDER BY v.verification_no DESC
    LIMIT 1
) AS l ON true
WHERE p.closing_no = any(%(closing_nos)s)
