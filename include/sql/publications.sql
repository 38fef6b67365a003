-- Store publications after their files were written, find publications, and store each verification of a publication. A
-- publication is the files of one closing (the figures of a finished period), with checksums. Queries for a
-- verification read audit views only, which auditors may read too. Called by store/oversight/publications.py.

-- name: names_on
-- Return the name that each agency had on a given day (audit.agencies, audit.agency_names).
SELECT
    a.agency_code,
    coalesce(
        (
            SELECT n.name FROM audit.agency_names AS n
            WHERE n.agency_code = a.agency_code AND n.valid_until >= %(day)s::date
            ORDER BY n.valid_until
            LIMIT 1
        ),
        a.name
    ) AS name
FROM audit.agencies AS a;

-- name: write_names_in_full
-- Make PostgreSQL put the schema before each name when it prints definitions in this transaction (search_path).
SELECT set_config('search_path', 'pg_catalog', TRUE);

-- name: definitions
-- Return the functions and views of the schemas audit, intake and motcua as PostgreSQL writes them out (pg_proc,
-- pg_class). A publication lists the SHA-256 of those that its figures use. The query needs only the right to connect.
SELECT
    n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS name,
    pg_get_functiondef(p.oid) AS text
FROM pg_proc AS p
INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
WHERE n.nspname IN ('audit', 'intake', 'motcua') AND p.prokind = 'f'
UNION ALL
SELECT
    n.nspname || '.' || c.relname AS name,
    pg_get_viewdef(c.oid) AS text
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname IN ('audit', 'intake', 'motcua') AND c.relkind = 'v'
ORDER BY name;

-- name: save
-- Insert a publication whose files are stored already (motcua.publications).
INSERT INTO motcua.publications (
    publication_no, closing_no, corrects, folder, manifest_sha256, previous_sha256, manifest, published_at
)
VALUES (
    %(publication_no)s, %(closing_no)s, %(corrects)s, %(folder)s, %(manifest_sha256)s, %(previous_sha256)s,
    %(manifest)s, %(published_at)s
);

-- name: find
-- Return a publication by its number, its closing, the hash of its manifest or its folder, or the last publication if
-- none of these is given (audit.publications).
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
LIMIT 1;

-- name: all
-- Return every publication, the first one first (audit.publications).
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
ORDER BY p.publication_no;

-- name: count_of_period
-- Return the number of publications of a period (audit.publications).
SELECT count(*) AS publications
FROM audit.publications AS p
INNER JOIN audit.closings AS c ON p.closing_no = c.closing_no
WHERE c.period = %(period)s;

-- name: save_verification
-- Insert a verification of a publication (motcua.publication_verifications).
INSERT INTO motcua.publication_verifications (publication_no, verified_at, verified_by, faults, differing)
VALUES (%(publication_no)s, %(verified_at)s, %(verified_by)s, %(faults)s, %(differing)s);

-- name: last_of_each
-- Return every publication with its last verification, the first publication first (audit.publications,
-- audit.publication_verifications). The columns of the verification are NULL if there was none. first_verified_at is
-- the time of the first verification of any publication.
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
) AS l ON TRUE
ORDER BY p.publication_no;

-- name: not_holding
-- Return the publications whose last verification found differences, with that verification, the newest publication
-- first (audit.publication_verifications).
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
ORDER BY v.publication_no DESC;

-- name: of_closings
-- Return the publications of the given closings, each with its last verification (audit.publications). The columns of
-- the verification are NULL if there was none.
SELECT
    p.closing_no,
    l.verified_at,
    l.faults,
    l.differing
FROM audit.publications AS p
LEFT JOIN LATERAL (
    SELECT
        v.verified_at,
        v.faults,
        v.differing
    FROM audit.publication_verifications AS v
    WHERE v.publication_no = p.publication_no
    ORDER BY v.verification_no DESC
    LIMIT 1
) AS l ON TRUE
WHERE p.closing_no = any(%(closing_nos)s);
