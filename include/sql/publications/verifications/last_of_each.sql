-- Every publication with its last verification, the first one first; empty: there was none. first_verified_at is that
-- of all. Called by store/oversight/verifications.py.
SELECT
    p.publication_no,
    p.published_at,
    l.verified_at,
    l.verified_by,
    l.faults,
    (SELECT min(f.verified_at) FROM audit.publication_verifications AS f) AS first_verified_at
FROM audit.publications AS p
LEFT JOIN LATERAL (
    SELECT
        v.verified_at,
        v.verified_by,
        v.faults
    FROM audit.publication_verifications AS v
    WHERE v.publication_no = p.publication_no
    ORDER BY v.verification_no DESC
    LIMIT 1
) AS l ON true
ORDER BY p.publication_no
