-- Every publication, the first one first. Reads what auditors may read. Called by store/oversight/publications.py.
SELECT
    p.publication_no,
    p.closing_no,
    p.corrects,
    p.folder,
    p.manifest_sha256,
    p.previous_sha256,
    p.manifest,
    p.published_at,
    c.period
FROM audit.publications AS p
INNER JOIN audit.closings AS c ON p.closing_no = c.closing_no
ORDER BY p.publication_no
