-- What a client pushes. Each statement calls the function of its name in schema intake, which runs as the owner; and
-- what a closing keeps of who is told by pushes. Called by store/intake/pushes.py.

-- name: sign_in
-- Opens a session for a client that shows its password.
SELECT intake.sign_in(%(name)s::text, %(shown)s::bytea, %(session)s::bytea, %(lasts)s::interval) AS is_open;

-- name: sign_in_from
-- Opens a short session for the client that is known by its address.
SELECT intake.sign_in_from(%(caller)s::inet, %(unit)s::text, %(session)s::bytea) AS is_open;

-- name: whose
-- Number of the client that a session is of.
SELECT intake.whose(%(session)s::bytea) AS client_id;

-- name: begin
-- Begins to write a push, and gives what is known of its dossiers.
SELECT p.client_id, p.agencies, p.moment, p.dossiers, p.steps, p.words
FROM intake.begin_push(%(session)s::bytea, %(given)s::json) AS p;

-- name: write
-- Writes what was decided of a push, and gives the numbers of dossiers that were written.
SELECT w.agency_code, w.dossier_code, w.dossier_no
FROM intake.write_push(%(session)s::bytea, %(dossiers)s::json, %(steps)s::json, %(states)s::json) AS w;

-- name: look_up
-- Which of these dossiers have been pushed.
SELECT l.dossier_code, l.status_code FROM intake.look_up(%(session)s::bytea, %(codes)s::text[]) AS l;

-- name: note_call
-- Counts a call of a client, and what was wrong in it.
SELECT
    intake.note_call(
        %(session)s::bytea, %(service)s::text, %(taken)s::bigint, %(repeated)s::bigint, %(refused)s::bigint,
        %(faults)s::jsonb
    ) AS noted;

-- name: keep_of_closing
-- Keeps with a closing the agencies that are told by pushes: those that a client might write for at some moment of the
-- period, from when they were enabled on; those that the day's own count of such a source has, whoever may write for
-- them by now; and of what is longer than a day those of its days, whatever is read by now.
INSERT INTO motcua.closing_pushed (closing_no, source, agency_code)
SELECT %(closing_no)s::bigint, c.source, a.agency_code
FROM intake.clients AS c
INNER JOIN intake.client_changes AS h ON c.client_id = h.client_id
CROSS JOIN LATERAL unnest(h.agencies) AS u (agency_code)
INNER JOIN motcua.agencies AS a ON u.agency_code = a.agency_code
WHERE
    c.source = any(%(sources)s)
    AND h.change <> 'disabled'
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
-- The agencies whose figures a closing has as they were pushed.
SELECT p.source, p.agency_code
FROM audit.closing_pushed AS p
WHERE p.closing_no = %(closing_no)s
ORDER BY p.source, p.agency_code;
