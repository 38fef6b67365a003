-- Write the dossiers and steps that a client pushes, and store for which agencies a closing's figures come from pushes.
-- A client is the account with which one-stop software sends (pushes) its data. A closing is the stored figures of a
-- finished period. Each SQL statement of a push calls a function in schema intake, which runs with its owner's rights.
-- Called by store/intake/pushes.py.

-- name: sign_in
-- Open a session for a client that gives its name and password (intake.sign_in).
SELECT intake.sign_in(%(name)s::text, %(shown)s::bytea, %(session)s::bytea, %(lasts)s::interval) AS is_open;

-- name: sign_in_from
-- Open a short session for the client that is known by its address (intake.sign_in_from).
SELECT intake.sign_in_from(%(caller)s::inet, %(unit)s::text, %(session)s::bytea) AS is_open;

-- name: whose
-- Return the number of the client that a session belongs to (intake.whose).
SELECT intake.whose(%(session)s::bytea) AS client_id;

-- name: begin
-- Begin to write a push, and return the stored data of its dossiers and steps (intake.begin_push). The caller decides
-- with these data what to write.
SELECT p.client_id, p.agencies, p.moment, p.dossiers, p.steps, p.words
FROM intake.begin_push(%(session)s::bytea, %(given)s::json) AS p;

-- name: write
-- Write the dossiers, steps and states that the caller decided on for a push, and return the numbers of the written
-- dossiers (intake.write_push).
SELECT w.agency_code, w.dossier_code, w.dossier_no
FROM intake.write_push(%(session)s::bytea, %(dossiers)s::json, %(steps)s::json, %(states)s::json) AS w;

-- name: look_up
-- Return the given dossiers that were pushed, with their status (intake.look_up).
SELECT l.dossier_code, l.status_code FROM intake.look_up(%(session)s::bytea, %(codes)s::text[]) AS l;

-- name: note_call
-- Count a client's call and the faults in it (intake.note_call).
SELECT
    intake.note_call(
        %(session)s::bytea, %(service)s::text, %(taken)s::bigint, %(repeated)s::bigint, %(refused)s::bigint,
        %(faults)s::jsonb
    ) AS noted;

-- name: keep_of_closing
-- Insert the agencies whose figures in a closing come from pushes (motcua.closing_pushed). These are the enabled
-- agencies that a client was allowed to write for at some time of the period. A disabled client is included only if
-- exported files are stored under its account. With such an account nobody signs in. If the period is a day, the
-- agencies for which the pushed data of that day has an occasion (an event that requires a message) are inserted too,
-- even if no client may write for them any more. If the period is longer, the agencies that were inserted for the
-- closings of its days are inserted too.
INSERT INTO motcua.closing_pushed (closing_no, source, agency_code)
SELECT %(closing_no)s::bigint, c.source, a.agency_code
FROM intake.clients AS c
INNER JOIN intake.client_changes AS h ON c.client_id = h.client_id
CROSS JOIN LATERAL unnest(h.agencies) AS u (agency_code)
INNER JOIN motcua.agencies AS a ON u.agency_code = a.agency_code
WHERE
    c.source = any(%(sources)s)
    AND (
        h.change <> 'disabled'
        OR EXISTS (SELECT 1 FROM intake.export_forms AS f WHERE f.client_id = c.client_id)
    )
    AND h.changed_at < %(end)s
    AND a.enabled_from < %(end)s
    AND NOT EXISTS (
        SELECT 1 FROM intake.client_changes AS l
        WHERE l.client_id = h.client_id AND l.change_id > h.change_id AND l.changed_at <= %(start)s
    )
UNION
SELECT %(closing_no)s::bigint, s.name, w.agency_code
FROM motcua.counted_occasions AS o
INNER JOIN motcua.sources AS s ON o.source_id = s.source_id
INNER JOIN motcua.agency_scopes AS w ON o.agency_written = w.written
WHERE %(is_day)s AND s.name = any(%(sources)s) AND w.agency_code IS NOT NULL
UNION
SELECT %(closing_no)s::bigint, p.source, p.agency_code
FROM motcua.closing_pushed AS p
WHERE p.closing_no = any(%(days)s);

-- name: of_closing
-- Return the agencies whose figures in a closing come from pushes (audit.closing_pushed).
SELECT p.source, p.agency_code
FROM audit.closing_pushed AS p
WHERE p.closing_no = %(closing_no)s
ORDER BY p.source, p.agency_code;
