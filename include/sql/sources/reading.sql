-- Read rows of a source of any software. source_dossiers and source_transitions are the source's tables as its adapter
-- shows them. written_dossiers and written_transitions are these tables before several codes of an agency become one.
-- The table named reading is the result of one of the SQL statements below. Times that Python cannot hold become NULL
-- in transitions. In dossiers they become the year 1900 or 9000, which the ledger stores as empty. Called by
-- sources/contract.py.

-- name: limit_time
-- Limit the time of each SQL statement of this transaction, in milliseconds.
SELECT set_config('statement_timeout', %(milliseconds)s::text, TRUE);

-- name: latest
-- Return the time of the source's clock, the highest plausible number of a transition, and the newest times, up to now,
-- at which a transition was recorded and a dossier's row changed (source_transitions, source_dossiers). A number too
-- large for a sequence, a time in the future and a time before 1900 are left out. Otherwise later readings would return
-- only the rows after this number or time.
SELECT
    now() AS source_now,
    (
        SELECT max(transition_id) FROM source_transitions WHERE transition_id BETWEEN 0 AND 4611686018427387904
    ) AS transition_id,
    (
        SELECT max(recorded_at) FROM source_transitions WHERE recorded_at BETWEEN timestamptz '1900-01-01' AND now()
    ) AS recorded_at,
    (
        SELECT max(updated_at) FROM source_dossiers WHERE updated_at BETWEEN timestamptz '1900-01-01' AND now()
    ) AS updated_at;

-- name: dossiers_as_read
-- Convert rows of source_dossiers, in the table named reading, to the values that the ledger stores.
SELECT
    dossier_code,
    agency_code,
    left(procedure_code, 2000) AS procedure_code,
    left(procedure_name, 2000) AS procedure_name,
    left(field_name, 2000) AS field_name,
    left(applicant_name, 2000) AS applicant_name,
    left(applicant_phone, 2000) AS applicant_phone,
    CASE
        WHEN phone_entered_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN phone_entered_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE phone_entered_at
    END AS phone_entered_at,
    left(submitted_via, 2000) AS submitted_via,
    CASE
        WHEN received_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN received_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE received_at
    END AS received_at,
    CASE
        WHEN due_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN due_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE due_at
    END AS due_at,
    left(step_name, 2000) AS step_name,
    status_code,
    at_one_stop_desk,
    CASE
        WHEN finished_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN finished_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE finished_at
    END AS finished_at,
    CASE
        WHEN returned_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN returned_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE returned_at
    END AS returned_at,
    CASE
        WHEN updated_at < '1900-01-01' THEN timestamptz '1900-01-01'
        WHEN updated_at > '9000-01-01' THEN timestamptz '9000-01-01'
        ELSE updated_at
    END AS updated_at
FROM reading;

-- name: transitions_as_read
-- Convert rows of source_transitions, in the table named reading, to the values that the ledger stores.
SELECT
    transition_id,
    agency_code,
    dossier_code,
    left(from_step, 2000) AS from_step,
    left(to_step, 2000) AS to_step,
    status_code,
    at_one_stop_desk,
    CASE WHEN occurred_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN occurred_at END
        AS occurred_at,
    CASE WHEN recorded_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN recorded_at END
        AS recorded_at,
    left(actor, 2000) AS actor,
    left(note, 20000) AS note
FROM reading;

-- name: dossiers_since
-- Return the dossier rows that changed since a time (source_dossiers). If open_too is true, as at the first reading of
-- a source, the result also has every open dossier.
SELECT *
FROM source_dossiers
WHERE
    updated_at >= %(since)s
    OR (%(open_too)s AND (status_code IS NULL OR status_code NOT IN (3, 7, 10)));

-- name: dossiers_by_key
-- Return the dossier rows with these agency codes and dossier codes (source_dossiers).
SELECT *
FROM source_dossiers
WHERE
    (agency_code, dossier_code) IN (
        SELECT k.agency_code, k.dossier_code
        FROM unnest(%(agency_codes)s::text[], %(dossier_codes)s::text[]) AS k (agency_code, dossier_code)
    )
    -- This condition follows from the one above, but only this form can be evaluated by a remote server behind foreign
    -- tables.
    AND agency_code = any(%(agency_codes)s::text[]) AND dossier_code = any(%(dossier_codes)s::text[]);

-- name: stamps_between
-- Return the time of change of each dossier row that changed in [since, until) (source_dossiers).
SELECT
    agency_code,
    dossier_code,
    updated_at
FROM source_dossiers
WHERE updated_at >= %(since)s AND updated_at < %(until)s;

-- name: transitions_since
-- Return the transitions recorded since a time or numbered above a number, each once (source_transitions). Rows are
-- selected by number too, because a row can have a wrong time. Rows whose recorded time is missing or before 2000 are
-- returned from 1000 numbers earlier on.
SELECT *
FROM source_transitions
WHERE
    recorded_at >= %(since)s OR transition_id > %(after)s::bigint
    OR (
        (recorded_at IS NULL OR recorded_at < '2000-01-01') AND transition_id > %(after)s::bigint - 1000::bigint
    );

-- name: transitions_between
-- Return the transitions recorded in [start, end), the window of a backfill (source_transitions).
SELECT *
FROM source_transitions
WHERE recorded_at >= %(start)s AND recorded_at < %(end)s;

-- name: transitions_by_key
-- Return all transitions of the dossiers with these agency codes and dossier codes (source_transitions).
SELECT *
FROM source_transitions
WHERE
    (agency_code, dossier_code) IN (
        SELECT k.agency_code, k.dossier_code
        FROM unnest(%(agency_codes)s::text[], %(dossier_codes)s::text[]) AS k (agency_code, dossier_code)
    )
    -- This condition follows from the one above, but only this form can be evaluated by a remote server behind foreign
    -- tables.
    AND agency_code = any(%(agency_codes)s::text[]) AND dossier_code = any(%(dossier_codes)s::text[]);

-- name: transitions_by_number
-- Return the transitions with these numbers (source_transitions). The SQL statement converts the columns itself instead
-- of using transitions_as_read, because publications name the SHA-256 of its whole text.
SELECT
    transition_id,
    agency_code,
    dossier_code,
    left(from_step, 2000) AS from_step,
    left(to_step, 2000) AS to_step,
    status_code,
    at_one_stop_desk,
    CASE WHEN occurred_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN occurred_at END
        AS occurred_at,
    CASE WHEN recorded_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN recorded_at END
        AS recorded_at,
    left(actor, 2000) AS actor,
    left(note, 20000) AS note
FROM source_transitions
WHERE transition_id = any(%(numbers)s::bigint[]);

-- name: watch
-- Return counts and sums of the newest rows, which each reading of new rows into the ledger (pick-up) reads again
-- (source_transitions, source_dossiers). If a row is new or changed, the counts and sums differ from those that the
-- last pick-up stored, until a pick-up has read the row. is_behind is true if the source's clock shows a time before
-- updated_since: the clock was set back.
SELECT
    t.transitions,
    t.transition_sum,
    d.dossiers,
    d.dossier_sum,
    (now() < %(updated_since)s)::text AS is_behind
FROM (
    SELECT
        count(*) AS transitions,
        coalesce(sum(transition_id), 0)::text AS transition_sum
    FROM source_transitions
    WHERE
        recorded_at >= %(recorded_since)s OR transition_id > %(after)s::bigint
        OR (
            (recorded_at IS NULL OR recorded_at < '2000-01-01') AND transition_id > %(after)s::bigint - 1000::bigint
        )
) AS t
CROSS JOIN (
    SELECT
        count(*) AS dossiers,
        coalesce(
            sum(hashtextextended(concat_ws('|', agency_code, dossier_code, updated_at::text), 0)::numeric), 0
        )::text
            AS dossier_sum
    FROM source_dossiers
    WHERE updated_at >= %(updated_since)s
) AS d;

-- name: dossiers_by_agency
-- Return dossiers, each with the one code that stands for its agency, for a source that writes several codes for one
-- agency (written_dossiers).
SELECT
    d.dossier_code,
    d.procedure_code,
    d.received_at,
    d.due_at,
    d.status_code,
    d.at_one_stop_desk,
    d.returned_at,
    d.updated_at,
    coalesce(c.agency_code, d.agency_code) AS agency_code
FROM written_dossiers AS d
LEFT JOIN unnest(%(written)s::text[], %(agencies)s::text[]) AS c (written, agency_code) ON d.agency_code = c.written;

-- name: transitions_by_agency
-- Return transitions, each with the one code that stands for its agency, for a source that writes several codes for one
-- agency (written_transitions).
SELECT
    t.transition_id,
    t.dossier_code,
    t.status_code,
    t.at_one_stop_desk,
    t.occurred_at,
    t.recorded_at,
    coalesce(c.agency_code, t.agency_code) AS agency_code
FROM written_transitions AS t
LEFT JOIN unnest(%(written)s::text[], %(agencies)s::text[]) AS c (written, agency_code) ON t.agency_code = c.written;

-- name: renumbered_transitions
-- Return transitions like transitions_by_agency, for a source that began to number its transitions anew, with the
-- numbers that the ledger gives them (written_transitions).
SELECT
    t.transition_id + coalesce(
        (
            SELECT max(n.added)
            FROM unnest(%(renumbered_from)s::timestamptz[], %(renumbered_by)s::bigint[]) AS n (recorded_from, added)
            WHERE t.recorded_at >= n.recorded_from AND t.transition_id BETWEEN 0 AND n.added
        ), 0
    ) AS transition_id,
    t.dossier_code,
    t.status_code,
    t.at_one_stop_desk,
    t.occurred_at,
    t.recorded_at,
    coalesce(c.agency_code, t.agency_code) AS agency_code
FROM written_transitions AS t
LEFT JOIN unnest(%(written)s::text[], %(agencies)s::text[]) AS c (written, agency_code) ON t.agency_code = c.written;
