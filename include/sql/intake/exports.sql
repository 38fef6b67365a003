-- Exported files: the form in which a source writes them, which files wait and are taken, and what became of each.
-- Called by store/intake/exports.py.

-- name: one_at_a_time
-- Until the end of the transaction nobody else sends an export of this source, or sets its form, by a page.
SELECT motcua.wait_for_folder('files ' || %(source)s::text);

-- name: account
-- The account that a source's exports are kept under, and the agencies that they may tell of; no row: none was opened.
SELECT
    c.client_id,
    array(
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = c.client_id ORDER BY a.agency_code
    ) AS agencies
FROM intake.clients AS c
WHERE c.name = %(source)s AND c.source = %(source)s;

-- name: form
-- The form in force of a source's exports, and the account that its rows are kept under.
SELECT
    f.form_no,
    f.client_id,
    f.form,
    f.set_at,
    f.set_by,
    array(
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = c.client_id ORDER BY a.agency_code
    ) AS agencies
FROM intake.clients AS c
INNER JOIN intake.export_forms AS f ON c.client_id = f.client_id
WHERE c.name = %(source)s AND c.source = %(source)s
ORDER BY f.form_no DESC
LIMIT 1;

-- name: forms
-- The forms of a source's exports, the newest first.
SELECT
    f.form_no,
    f.form,
    f.set_at,
    f.set_by
FROM intake.clients AS c
INNER JOIN intake.export_forms AS f ON c.client_id = f.client_id
WHERE c.name = %(source)s AND c.source = %(source)s
ORDER BY f.form_no DESC
LIMIT %(most)s;

-- name: set_form
-- A new form of a source's exports, from now on.
INSERT INTO intake.export_forms (client_id, form, set_at, set_by)
SELECT
    c.client_id,
    %(form)s,
    %(now)s,
    %(by)s
FROM intake.clients AS c
WHERE c.name = %(source)s AND c.source = %(source)s;

-- name: see
-- Notes a file of a source as it is seen now: it waits, from when it was first seen so. No row: another look has just
-- noted it, or it was read meanwhile.
WITH waited AS (
    UPDATE intake.exports AS e
    SET
        size = %(size)s,
        modified_at = %(modified_at)s,
        seen_at = CASE WHEN s.is_same THEN e.seen_at ELSE %(now)s END,
        -- What a person said of it was of what it was then.
        accepted_by = CASE WHEN s.is_same THEN e.accepted_by END,
        accepted_at = CASE WHEN s.is_same THEN e.accepted_at END,
        -- A store writes the time anew when it moves a file; who sent it is told by its name.
        sent_by = CASE WHEN e.size = %(size)s THEN e.sent_by END,
        sent_at = CASE WHEN e.size = %(size)s THEN e.sent_at END
    FROM (
        SELECT
            w.export_no,
            (w.size, w.modified_at) = (%(size)s, %(modified_at)s) AS is_same
        FROM intake.exports AS w
        WHERE w.source = %(source)s AND w.name = %(name)s AND w.state = 'waiting'
    ) AS s
    WHERE
        e.export_no = s.export_no AND e.state = 'waiting'
        AND NOT EXISTS (
            SELECT 1 FROM intake.exports AS r
            WHERE
                r.source = %(source)s AND r.name = %(name)s AND r.size = %(size)s AND r.modified_at = %(modified_at)s
                AND r.state <> 'waiting'
        )
    RETURNING e.export_no, e.seen_at, e.accepted_at
),

seen AS (
    INSERT INTO intake.exports (source, name, size, modified_at, seen_at, state)
    SELECT %(source)s, %(name)s, %(size)s, %(modified_at)s, %(now)s, 'waiting'
    WHERE NOT EXISTS (SELECT 1 FROM waited)
    -- Of either key: one file of a name waits, and each state of a file is read once.
    ON CONFLICT DO NOTHING
    RETURNING export_no, seen_at, accepted_at
)

SELECT w.export_no, w.seen_at, w.accepted_at FROM waited AS w
UNION ALL
SELECT s.export_no, s.seen_at, s.accepted_at FROM seen AS s;

-- name: see_again
-- A file of a source that was taken away before it was read is back as it was, and waits; no row: there is none.
UPDATE intake.exports AS e SET
    state = 'waiting', read_at = NULL, seen_at = %(now)s, accepted_by = NULL, accepted_at = NULL, sent_by = NULL,
    sent_at = NULL
WHERE
    e.source = %(source)s AND e.name = %(name)s AND e.size = %(size)s AND e.modified_at = %(modified_at)s
    AND e.state = 'removed'
    AND NOT EXISTS (
        SELECT 1 FROM intake.exports AS w
        WHERE w.source = e.source AND w.name = e.name AND w.state = 'waiting'
    )
RETURNING e.export_no, e.seen_at, e.accepted_at;

-- name: replaced
-- A file of a source that waited was replaced by one that was taken away before and is back.
UPDATE intake.exports AS e SET state = 'removed', read_at = %(now)s
WHERE
    e.source = %(source)s AND e.name = %(name)s AND e.state = 'waiting'
    AND EXISTS (
        SELECT 1 FROM intake.exports AS r
        WHERE
            r.source = e.source AND r.name = e.name AND r.state = 'removed'
            AND r.size = %(size)s AND r.modified_at = %(modified_at)s
    );

-- name: note_removed
-- Files of a source that waited, are not among those that are still to be read, and were first seen before the given
-- time: they were taken away before they were read.
UPDATE intake.exports AS e SET state = 'removed', read_at = %(now)s
WHERE
    e.source = %(source)s AND e.state = 'waiting' AND e.seen_at <= %(seen_until)s
    AND e.name <> all(%(names)s::text[])
RETURNING e.export_no;

-- name: send
-- Notes a file of a source that somebody sends by the page: it waits as one that was dropped.
INSERT INTO intake.exports AS e (source, name, size, modified_at, seen_at, state, sent_by, sent_at)
VALUES (%(source)s, %(name)s, %(size)s, %(modified_at)s, %(now)s, 'waiting', %(by)s, %(now)s)
ON CONFLICT (source, name) WHERE state = 'waiting' DO UPDATE
    SET
        size = excluded.size,
        modified_at = excluded.modified_at,
        seen_at = excluded.seen_at,
        sent_by = excluded.sent_by,
        sent_at = excluded.sent_at,
        accepted_by = NULL,
        accepted_at = NULL;

-- name: any_waiting
-- Whether a file of a source waits.
SELECT exists(SELECT 1 FROM intake.exports AS e WHERE e.source = %(source)s AND e.state = 'waiting') AS waits;

-- name: read
-- Files of a source that were read, as they were then.
SELECT
    e.name,
    e.size,
    e.modified_at
FROM intake.exports AS e
WHERE e.source = %(source)s AND e.state NOT IN ('waiting', 'removed') AND e.name = any(%(names)s);

-- name: hold
-- Holds a source's exports and a file that waits, for the rest of the transaction; no row: it waits no more.
SELECT e.export_no
FROM intake.exports AS e
INNER JOIN intake.clients AS c ON e.source = c.name AND e.source = c.source
WHERE e.export_no = %(export_no)s AND e.state = 'waiting'
FOR NO KEY UPDATE;

-- name: last
-- What was last taken of a source: the newest whole export and the newest of all, by when they were exported, and
-- whether this very file was.
SELECT
    w.exported_at AS whole_at,
    w.name AS whole_name,
    w.dossiers AS whole_dossiers,
    coalesce(n.ends_a_line, FALSE) AS ends_a_line,
    k.times > 0 OR coalesce(n.sha256 = %(sha256)s, FALSE) AS is_repeated
FROM (
    SELECT count(*) AS times
    FROM intake.exports AS e
    WHERE
        e.source = %(source)s AND e.sha256 = %(sha256)s AND e.state IN ('taken', 'accepted')
        AND e.exported_at >= %(exported_at)s
) AS k
LEFT JOIN LATERAL (
    SELECT e.exported_at, e.name, e.dossiers
    FROM intake.exports AS e
    WHERE e.source = %(source)s AND e.is_whole AND e.state IN ('taken', 'accepted')
    ORDER BY e.exported_at DESC, e.export_no DESC
    LIMIT 1
) AS w ON TRUE
LEFT JOIN LATERAL (
    SELECT e.sha256, e.ends_a_line
    FROM intake.exports AS e
    WHERE e.source = %(source)s AND e.state IN ('taken', 'accepted')
    ORDER BY e.exported_at DESC, e.export_no DESC
    LIMIT 1
) AS n ON TRUE;

-- name: exported
-- Dossiers that the exports of a source had.
SELECT e.dossier_no, d.agency_code, d.dossier_code, d.status_code, e.vanished_in IS NOT NULL AS is_vanished
FROM intake.exports AS x
INNER JOIN intake.exported_dossiers AS e ON x.export_no = e.export_no
INNER JOIN intake.pushed_dossiers AS d ON e.dossier_no = d.dossier_no
WHERE x.source = %(source)s;

-- name: begin
-- Begins to write what a batch of an export says of dossiers, and gives what is known of them.
SELECT t.client_id, t.agencies, t.moment, t.dossiers, t.steps
FROM intake.begin_taking(%(client_id)s, %(given)s::json, %(with_steps)s) AS t;

-- name: write
-- Writes what was decided of a batch of an export.
SELECT count(*) AS written
FROM intake.write_taken(%(client_id)s, %(dossiers)s::json, %(steps)s::json, '[]', %(export_no)s, %(exported_at)s);

-- name: note_vanished
-- Marks dossiers that a whole export has no more, and takes the mark from those that it has again.
UPDATE intake.exported_dossiers AS e
SET vanished_in = CASE WHEN e.dossier_no = any(%(gone)s::bigint[]) THEN %(export_no)s::bigint END
WHERE e.dossier_no = any(%(gone)s::bigint[] || %(back)s::bigint[]);

-- name: finish
-- What became of a file.
UPDATE intake.exports SET
    state = CASE WHEN %(state)s = 'taken' AND accepted_at IS NOT NULL THEN 'accepted' ELSE %(state)s END,
    form_no = %(form_no)s,
    sha256 = %(sha256)s,
    exported_at = %(exported_at)s,
    is_whole = %(is_whole)s,
    ends_a_line = %(ends_a_line)s,
    read_at = %(read_at)s,
    lines = %(lines)s,
    dossiers = %(dossiers)s,
    added = %(added)s,
    moved = %(moved)s,
    older = %(older)s,
    refused = %(refused)s,
    vanished = %(vanished)s,
    faults = %(faults)s
WHERE export_no = %(export_no)s;

-- name: try_again
-- Files that were refused by another form than the one in force, and are still there as they were, wait to be read
-- again.
UPDATE intake.exports AS e SET state = 'waiting', read_at = NULL, faults = '[]'
WHERE
    e.source = %(source)s AND e.state = 'refused' AND e.form_no IS DISTINCT FROM %(form_no)s
    AND (e.name, e.size, e.modified_at) IN (
        SELECT t.name, t.size, t.modified_at
        FROM unnest(%(names)s::text[], %(sizes)s::bigint[], %(modified)s::timestamptz[]) AS t (
            name, size, modified_at
        )
    )
    AND NOT EXISTS (
        SELECT 1 FROM intake.exports AS w WHERE w.source = e.source AND w.name = e.name AND w.state = 'waiting'
    )
    AND e.export_no = (SELECT max(l.export_no) FROM intake.exports AS l WHERE l.source = e.source AND l.name = e.name);

-- name: accept
-- Somebody says that a refused file is to be taken as it is; it waits again. No row: it is not refused, or the file was
-- written anew since.
UPDATE intake.exports AS e SET
    state = 'waiting', read_at = NULL, accepted_by = %(by)s, accepted_at = %(now)s, accepted_why = %(why)s
WHERE
    e.export_no = %(export_no)s AND e.state = 'refused'
    AND NOT EXISTS (
        SELECT 1 FROM intake.exports AS l
        WHERE l.source = e.source AND l.name = e.name AND l.export_no > e.export_no
    )
RETURNING e.export_no;

-- name: list
-- Files of a source (all, where none is named), the newest first, after as many as are skipped.
SELECT
    e.export_no,
    e.source,
    e.name,
    e.size,
    e.modified_at,
    e.seen_at,
    e.state,
    e.exported_at,
    e.is_whole,
    e.read_at,
    e.lines,
    e.dossiers,
    e.added,
    e.moved,
    e.older,
    e.refused,
    e.vanished,
    e.faults,
    e.accepted_by,
    e.accepted_at,
    e.accepted_why,
    e.sent_by,
    e.sent_at
FROM intake.exports AS e
WHERE
    (%(source)s::text IS NULL OR e.source = %(source)s)
    AND (%(export_no)s::bigint IS NULL OR e.export_no = %(export_no)s)
ORDER BY e.export_no DESC
LIMIT %(limit)s OFFSET %(skipped)s;

-- name: states
-- How many of the newest files of a source became what.
SELECT
    n.state,
    count(*) AS files
FROM (
    SELECT e.state
    FROM intake.exports AS e
    WHERE e.source = %(source)s
    ORDER BY e.export_no DESC
    LIMIT %(most)s
) AS n
GROUP BY n.state;

-- name: held_up
-- Files that were refused and after which none of the same source was taken: what they tell is not known.
SELECT
    e.source,
    e.name,
    e.export_no
FROM intake.exports AS e
WHERE
    e.state = 'refused'
    AND e.source = any(%(sources)s)
    AND NOT EXISTS (
        SELECT 1 FROM intake.exports AS l
        WHERE
            l.source = e.source AND l.export_no <> e.export_no AND l.state IN ('taken', 'accepted')
            AND (l.read_at > e.read_at OR (l.exported_at > e.exported_at AND l.is_whole))
    )
ORDER BY e.source, e.export_no;

-- name: vanished
-- Open dossiers that the whole exports of a source have no more, the newest first.
SELECT
    d.agency_code,
    d.dossier_code,
    x.export_no,
    x.exported_at
FROM intake.exports AS x
INNER JOIN intake.exported_dossiers AS e ON x.export_no = e.vanished_in
INNER JOIN intake.pushed_dossiers AS d ON e.dossier_no = d.dossier_no
WHERE x.source = %(source)s AND coalesce(d.status_code, 0) NOT IN (3, 7, 10)
ORDER BY x.export_no DESC, d.agency_code, d.dossier_code
LIMIT %(limit)s;
