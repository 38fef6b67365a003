-- Store facts about each source: how far it was read, its failures, status codes and numbering of transitions. A
-- pick-up reads the new rows of one source into the ledger. A watcher is a process that queries the sources for unread
-- rows. For an unknown source, queries return no row; map_status returns FALSE. Called by store/notices/sources.py.

-- name: ensure
-- Insert a source if it is missing (motcua.sources). The SQL statement checks first, because an INSERT with ON CONFLICT
-- uses up a source number even if the source exists, and there are only 32,767 numbers.
INSERT INTO motcua.sources (name)
SELECT n.name FROM (VALUES (%(name)s::text)) AS n (name)
WHERE NOT EXISTS (SELECT 1 FROM motcua.sources AS s WHERE s.name = n.name)
ON CONFLICT (name) DO NOTHING;

-- name: list
-- Return all sources, each with how far it was read and its last failure (motcua.sources). ask_at is the earliest time
-- at which a dossier's row must be read to judge an old step, which is a step that was typed in late.
SELECT
    s.source_id,
    s.name,
    s.cursor_recorded_at,
    s.watch,
    s.picked_up_at,
    s.failed_at,
    s.failure,
    (SELECT min(o.ask_at) FROM motcua.old_steps AS o WHERE o.source_id = s.source_id AND o.ask_at IS NOT NULL) AS ask_at
FROM motcua.sources AS s
ORDER BY s.name;

-- name: lock
-- Try to take the lock on a source's pick-up until this transaction ends, and return whether it was taken
-- (motcua.sources). It is an advisory lock, so the source's row is not locked.
SELECT pg_try_advisory_xact_lock(hashtext('pick-ups of sources'), s.source_id) AS held
FROM motcua.sources AS s
WHERE s.name = %(name)s;

-- name: wait_for
-- Wait for the lock on a source's pick-up, and hold it until this transaction ends (motcua.sources).
SELECT pg_advisory_xact_lock(hashtext('pick-ups of sources'), s.source_id) IS NOT NULL AS held
FROM motcua.sources AS s
WHERE s.name = %(name)s;

-- name: cursor
-- Return how far a source has been read (motcua.sources). The caller must hold the lock on the source's pick-up.
SELECT
    source_id, name, cursor_transition_id, cursor_recorded_at, cursor_updated_at, look_back_at, set_back_from,
    set_back_at
FROM motcua.sources
WHERE name = %(name)s;

-- name: advance
-- Write where the next pick-up begins, and the values with which a watcher compares the source (motcua.sources).
UPDATE motcua.sources
SET
    cursor_transition_id = coalesce(%(transition_id)s, cursor_transition_id),
    cursor_recorded_at = %(recorded_at)s,
    cursor_updated_at = %(updated_at)s,
    watch = %(watch)s,
    look_back_at = coalesce(%(look_back_at)s, look_back_at),
    -- A setback of the source's clock begins a new fault if the last setback was at least two days before.
    set_back_from = CASE
        WHEN %(set_back_by)s::interval IS NULL OR set_back_at > %(now)s::timestamptz - interval '2 days'
            THEN set_back_from
        ELSE %(now)s
    END,
    set_back_by = CASE
        WHEN %(set_back_by)s::interval IS NULL THEN set_back_by
        WHEN set_back_at > %(now)s::timestamptz - interval '2 days' THEN greatest(set_back_by, %(set_back_by)s)
        ELSE %(set_back_by)s
    END,
    set_back_at = CASE WHEN %(set_back_by)s::interval IS NULL THEN set_back_at ELSE %(now)s END,
    picked_up_at = %(now)s,
    failed_at = NULL,
    failure = NULL
WHERE source_id = %(source_id)s;

-- name: fail
-- Write that a source could not be read, with the reason (motcua.sources).
UPDATE motcua.sources SET failed_at = %(now)s, failure = left(%(failure)s, 500)
WHERE name = %(name)s;

-- name: note_pick_up
-- Add to the present DAG run how many rows of each agency a pick-up read (motcua.pick_ups). Nothing is written if this
-- database session belongs to no run.
INSERT INTO motcua.pick_ups AS p (run_no, source_id, agency_code, transitions, dossiers)
SELECT
    nullif(current_setting('motcua.run', TRUE), '')::bigint,
    %(source_id)s,
    d.agency_code,
    sum(r.transitions),
    sum(r.dossiers)
FROM (
    SELECT
        t.dossier_id,
        1 AS transitions,
        0 AS dossiers
    FROM unnest(%(of_transitions)s::bigint[]) AS t (dossier_id)
    UNION ALL
    SELECT
        c.dossier_id,
        0 AS transitions,
        1 AS dossiers
    FROM unnest(%(changed)s::bigint[]) AS c (dossier_id)
) AS r
INNER JOIN motcua.dossiers AS d ON r.dossier_id = d.dossier_id
WHERE nullif(current_setting('motcua.run', TRUE), '') IS NOT NULL
GROUP BY d.agency_code
ON CONFLICT (run_no, source_id, agency_code) DO UPDATE SET
    transitions = p.transitions + excluded.transitions,
    dossiers = p.dossiers + excluded.dossiers;

-- name: freshness
-- Return when each source was last read and how far, when its newest transition was recorded, and its last failure
-- (motcua.sources). The result is limited to sources with dossiers of the given agencies; NULL means all.
SELECT
    s.name,
    s.picked_up_at,
    s.failed_at,
    s.failure,
    s.cursor_recorded_at,
    (
        SELECT max(t.recorded_at) FROM motcua.transitions AS t WHERE t.source_id = s.source_id
    ) AS last_transition_at
FROM motcua.sources AS s
WHERE
    %(agencies)s::text[] IS NULL
    OR EXISTS (
        SELECT 1 FROM motcua.dossiers AS d WHERE d.agency_code = any(%(agencies)s) AND d.source_id = s.source_id
    )
ORDER BY s.name;

-- name: troubles
-- Return the faults of a source that pick-ups noticed from a moment on (motcua.sources, motcua.source_numberings): from
-- when and by how much the source's clock was set back, and when the source began to number its transitions anew.
SELECT
    s.set_back_from,
    s.set_back_by,
    (
        SELECT max(n.noticed_at) FROM motcua.source_numberings AS n
        WHERE n.source_id = s.source_id AND n.noticed_at >= %(since)s
    ) AS renumbered_at
FROM (
    SELECT
        k.source_id,
        CASE WHEN k.set_back_at >= %(since)s THEN k.set_back_from END AS set_back_from,
        CASE WHEN k.set_back_at >= %(since)s THEN k.set_back_by END AS set_back_by
    FROM motcua.sources AS k
    WHERE k.name = %(name)s
) AS s;

-- name: statuses
-- Return the status codes of one source that differ from the national codes, as in force at a moment
-- (motcua.status_meanings).
SELECT source_status, status_code
FROM motcua.status_meanings
WHERE source_id = %(source_id)s AND (ends_at IS NULL OR ends_at > %(at)s);

-- name: mapped_statuses
-- Return which status codes of sources staff mapped to national codes, who last changed each mapping, and until when
-- the mapping holds (motcua.status_meanings).
SELECT
    s.name AS source,
    m.source_status,
    m.status_code,
    m.mapped_at,
    m.ends_at,
    c.changed_by AS mapped_by,
    c.status_before
FROM motcua.status_meanings AS m
INNER JOIN motcua.sources AS s ON m.source_id = s.source_id
LEFT JOIN LATERAL (
    SELECT k.changed_by, k.status_before
    FROM motcua.status_map_changes AS k
    WHERE k.source_id = m.source_id AND k.source_status = m.source_status
    ORDER BY k.change_id DESC
    LIMIT 1
) AS c ON TRUE
ORDER BY s.name, m.source_status;

-- name: map_status
-- Map one status code of a source to a national status (motcua.map_status).
SELECT
    motcua.map_status(
        %(name)s::text, %(source_status)s::integer, %(status_code)s::integer, %(by)s::text, %(now)s::timestamptz
    ) AS is_known;

-- name: numberings
-- Return when a source began to number its transitions anew, in order, and what is added to the numbers of transitions
-- recorded from then on (motcua.source_numberings).
SELECT
    n.recorded_from,
    n.added
FROM motcua.source_numberings AS n
WHERE n.source_id = %(source_id)s
ORDER BY n.added;

-- name: begin_numbering
-- Log that a source began to number its transitions anew (motcua.source_numberings).
INSERT INTO motcua.source_numberings (source_id, recorded_from, added, noticed_at)
VALUES (%(source_id)s, %(recorded_from)s, %(added)s, %(now)s);
