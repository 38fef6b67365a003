-- A publication by its number, its closing, its manifest's hash or its folder, whichever is given; the last one of all
-- where nothing is. Reads what auditors may read. Called by store/oversight/publications.py.
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
WHERE
    (%(publication_no)s::bigint IS NULL OR p.publication_no = %(publication_no)s)
    AND (%(closing_no)s::bigint IS NULL OR p.closing_no = %(closing_no)s)
    AND (%(manifest_sha256)s::text IS NULL OR p.manifest_sha256 = %(manifest_sha256)s)
    AND (%(folder)s::text IS NULL OR p.folder = %(folder)s)
ORDER BY p.publication_no DESC
LIMIT 1
