-- Store exported files of sources: the form (the description of a source's files), which files wait to be read, and the
-- outcome of each file. Called by store/intake/exports.py.

-- name: one_at_a_time
-- Lock a source's exports until this transaction ends (motcua.wait_for_folder). In the meantime, no other transaction
-- can send an export of the source through the page of exports, or set its form there.
SELECT motcua.wait_for_folder('files ' || %(source)s::text);

-- name: account
-- Return the account under which a source's exports are stored, and the agencies about which they may hold data
-- (intake.clients). No row means that no account was opened.
SELECT
    c.client_id,
    array(
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = c.client_id ORDER BY a.agency_code
    ) AS agencies
FROM intake.clients AS c
WHERE c.name = %(source)s AND c.source = %(source)s;

-- name: form
-- Return the form that is in force for a source's exports, and the account under which their rows are stored
-- (intake.export_forms).
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
-- Return the forms of a source's exports, the newest first (intake.export_forms).
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
-- Insert a form for a source's exports, which is in force from now on (intake.export_forms).
INSERT INTO intake.export_forms (client_id, form, set_at, set_by)
SELECT
    c.client_id,
    %(form)s,
    %(now)s,
    %(by)s
FROM intake.clients AS c
WHERE c.name = %(source)s AND c.source = %(source)s;

-- name: see
-- Insert or update a file of a source as it is found now, in the state waiting (intake.exports). seen_at is the time at
-- which the file was first found with its present size and time. No row means that another process has just inserted
-- the file, or that the file was read in the meantime.
WITH waited AS (
    UPDATE intake.exports AS e
    SET
        size = %(size)s,
        modified_at = %(modified_at)s,
        seen_at = CASE WHEN s.is_same THEN e.seen_at ELSE %(now)s END,
        -- A person's acceptance of a refused file applies to the file as it was then, so it is removed if the file has
        -- changed.
        accepted_by = CASE WHEN s.is_same THEN e.accepted_by END,
        accepted_at = CASE WHEN s.is_same THEN e.accepted_at END,
        -- If a person sent the file through the page, sent_by names that person. The page moves the file into the
        -- folder, and in an S3 store a move changes the file's time. Therefore a file of the same name and size still
        -- counts as the one that the person sent.
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
    -- Two unique indexes can cause a conflict: only one file of each name may wait, and a file of the same name, size
    -- and time is stored only once.
    ON CONFLICT DO NOTHING
    RETURNING export_no, seen_at, accepted_at
)

SELECT w.export_no, w.seen_at, w.accepted_at FROM waited AS w
UNION ALL
SELECT s.export_no, s.seen_at, s.accepted_at FROM seen AS s;

-- name: see_again
-- Set a file of a source to waiting again (intake.exports). The file was removed from the folder before it was read,
-- and is back unchanged. No row means that there is no such file.
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
-- Set a waiting file of a source to removed, because an earlier file of the same name, which was removed before, is
-- back in its place (intake.exports).
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
-- Set waiting files of a source to removed if they are no longer in the folder and so cannot be read any more
-- (intake.exports). Only files that were first found up to a given time are changed.
UPDATE intake.exports AS e SET state = 'removed', read_at = %(now)s
WHERE
    e.source = %(source)s AND e.state = 'waiting' AND e.seen_at <= %(seen_until)s
    AND e.name <> all(%(names)s::text[])
RETURNING e.export_no;

-- name: send
-- Insert or update a waiting file of a source that a person sends through the page of exports (intake.exports).
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
-- Return whether a file of a source waits (intake.exports).
SELECT exists(SELECT 1 FROM intake.exports AS e WHERE e.source = %(source)s AND e.state = 'waiting') AS waits;

-- name: read
-- Return files of a source that were read, with their size and time at that moment (intake.exports).
SELECT
    e.name,
    e.size,
    e.modified_at
FROM intake.exports AS e
WHERE e.source = %(source)s AND e.state NOT IN ('waiting', 'removed') AND e.name = any(%(names)s);

-- name: hold
-- Lock a source's account and a waiting file until this transaction ends (intake.clients, intake.exports). No row means
-- that the file no longer waits.
SELECT e.export_no
FROM intake.exports AS e
INNER JOIN intake.clients AS c ON e.source = c.name AND e.source = c.source
WHERE e.export_no = %(export_no)s AND e.state = 'waiting'
FOR NO KEY UPDATE;

-- name: last
-- Return the facts that decide whether a file may be taken over (intake.exports): the newest complete export of its
-- source; whether the last line of the newest export had a line end (ends_a_line); and whether the file has the same
-- content as the newest export, or as an export of the same or a later time (is_repeated). The newest export is the one
-- exported last, not the one read last. Only files that were taken over count (states taken and accepted).
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
-- Return the dossiers that the exports of a source contained (intake.exported_dossiers).
SELECT e.dossier_no, d.agency_code, d.dossier_code, d.status_code, e.vanished_in IS NOT NULL AS is_vanished
FROM intake.exports AS x
INNER JOIN intake.exported_dossiers AS e ON x.export_no = e.export_no
INNER JOIN intake.pushed_dossiers AS d ON e.dossier_no = d.dossier_no
WHERE x.source = %(source)s;

-- name: begin
-- Begin to write a batch of an export, and return the stored data of its dossiers and steps (intake.begin_taking). The
-- caller decides with these data what to write.
SELECT t.client_id, t.agencies, t.moment, t.dossiers, t.steps
FROM intake.begin_taking(%(client_id)s, %(given)s::json, %(with_steps)s) AS t;

-- name: write
-- Write the dossiers and steps that the caller decided on for a batch of an export (intake.write_taken).
SELECT count(*) AS written
FROM intake.write_taken(%(client_id)s, %(dossiers)s::json, %(steps)s::json, '[]', %(export_no)s, %(exported_at)s);

-- name: note_vanished
-- Mark dossiers that a complete export no longer contains, and remove the mark from dossiers that it contains again
-- (intake.exported_dossiers).
UPDATE intake.exported_dossiers AS e
SET vanished_in = CASE WHEN e.dossier_no = any(%(gone)s::bigint[]) THEN %(export_no)s::bigint END
WHERE e.dossier_no = any(%(gone)s::bigint[] || %(back)s::bigint[]);

-- name: finish
-- Write the outcome of a file (intake.exports).
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
-- Set refused files that are unchanged in the folder to waiting again (intake.exports): files that were refused under
-- another form, and files that could not be opened, which may become readable at any time.
UPDATE intake.exports AS e SET state = 'waiting', read_at = NULL, faults = '[]'
WHERE
    e.source = %(source)s AND e.state = 'refused'
    AND (e.form_no IS DISTINCT FROM %(form_no)s OR e.faults @> '[{"code": "unreadable"}]')
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
-- Accept a refused file as it is, and set it to waiting again (intake.exports). No row means that the file is not
-- refused, or that a newer file of this name exists.
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
-- Return files of one source or of all sources, the newest first, after skipping a given number of files
-- (intake.exports).
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
-- Return how many of the newest files of a source are in each state (intake.exports).
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
-- Return refused files whose content is missing in the ledger (intake.exports). The content of a file is missing if no
-- other file of the same source was taken over that was read later, or that is complete and was exported later.
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
-- Return open dossiers that the complete exports of a source no longer contain, the newest first
-- (intake.exported_dossiers).
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
