-- How many messages are in which state, which of them a list shows, and what people read of each. Called by
-- store/browsing.py and store/notices/messages.py.

-- name: by_state
-- Messages by agency, kind, state and reason.
SELECT
    agency_code,
    kind,
    state,
    CASE WHEN state IN ('suppressed', 'cancelled', 'rejected') THEN reason END AS reason,
    count(*) AS messages
FROM motcua.messages
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4;

-- name: recorded_in
-- Messages of what was recorded in [start, end), by agency, kind and state; of some agencies, or of all (NULL). Costs
-- what that time holds.
SELECT m.agency_code, m.kind, m.state, count(*) AS messages
FROM motcua.messages AS m
WHERE
    m.recorded_at >= %(start)s
    AND m.recorded_at < %(end)s
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
GROUP BY m.agency_code, m.kind, m.state
ORDER BY m.agency_code, m.kind, m.state;

-- name: waiting
-- How many messages are due, of these carriers or all, and how many wait for a later attempt after a failure; what
-- waits because people stopped it, for their word, or for a gateway's hours is none of these.
SELECT
    count(*) FILTER (
        WHERE next_attempt_at <= %(now)s AND (%(carriers)s::text[] IS NULL OR carrier = any(%(carriers)s))
    ) AS due,
    count(*) FILTER (
        WHERE attempts_made > 0 AND coalesce(reason, '') NOT IN ('stopped', 'slept', 'waits_for_opening')
    ) AS failed
FROM motcua.messages
WHERE
    state = 'queued'
    AND (%(start)s::timestamptz IS NULL OR (recorded_at >= %(start)s AND recorded_at < %(end)s));

-- name: plan_in_order
-- Until what was set here is rolled back, rows are read through an index, in its order: what a list takes is its first
-- rows, and to collect and sort all of a month costs what the busiest agency has.
SELECT set_config(s.name, s.value, TRUE)
FROM (VALUES ('enable_bitmapscan', 'off'), ('enable_seqscan', 'off'), ('enable_sort', 'off')) AS s (name, value);

-- name: newest
-- Of the messages before a place in the list, the newest first: which are wanted, up to so many, looking at so many at
-- most. The last one that was looked at comes too, wanted or not: older ones were not looked at. It costs what it may
-- look at, whatever is wanted.
SELECT
    s.recorded_at AS listed_at,
    s.message_id AS listed_id,
    s.is_wanted,
    s.place = %(looked_at)s AS is_last
FROM (
    SELECT
        m.recorded_at,
        m.message_id,
        (
            (NOT %(of_no_agency)s OR m.agency_code IS NULL)
            AND (%(kind)s::text IS NULL OR m.kind = %(kind)s)
            AND (%(state)s::text IS NULL OR m.state = %(state)s)
            AND (%(reason)s::text IS NULL OR coalesce(m.reason = %(reason)s, FALSE))
            AND (%(procedure_codes)s::text[] IS NULL OR coalesce(m.procedure_code = any(%(procedure_codes)s), FALSE))
        ) AS is_wanted,
        row_number() OVER (ORDER BY m.recorded_at DESC, m.message_id DESC) AS place
    FROM motcua.messages AS m
    WHERE
        m.recorded_at >= coalesce(%(begins)s::timestamptz, '-infinity')
        AND m.recorded_at < coalesce(%(ends)s::timestamptz, 'infinity')
        AND (m.recorded_at, m.message_id)
        < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_id)s::bigint, 0))
    ORDER BY m.recorded_at DESC, m.message_id DESC
    LIMIT %(looked_at)s
) AS s
WHERE s.is_wanted OR s.place = %(looked_at)s
ORDER BY s.recorded_at DESC, s.message_id DESC
LIMIT %(most)s;

-- name: oldest
-- Of the messages after a place in the list, the oldest first: which are wanted, up to so many, looking at so many at
-- most. The last one that was looked at comes too, wanted or not: newer ones were not looked at. It costs what it may
-- look at, whatever is wanted.
SELECT
    s.recorded_at AS listed_at,
    s.message_id AS listed_id,
    s.is_wanted,
    s.place = %(looked_at)s AS is_last
FROM (
    SELECT
        m.recorded_at,
        m.message_id,
        (
            (NOT %(of_no_agency)s OR m.agency_code IS NULL)
            AND (%(agencies)s::text[] IS NULL OR coalesce(m.agency_code = any(%(agencies)s), FALSE))
            AND (%(kind)s::text IS NULL OR m.kind = %(kind)s)
            AND (%(state)s::text IS NULL OR m.state = %(state)s)
            AND (%(reason)s::text IS NULL OR coalesce(m.reason = %(reason)s, FALSE))
            AND (%(procedure_codes)s::text[] IS NULL OR coalesce(m.procedure_code = any(%(procedure_codes)s), FALSE))
        ) AS is_wanted,
        row_number() OVER (ORDER BY m.recorded_at, m.message_id) AS place
    FROM motcua.messages AS m
    WHERE
        m.recorded_at >= coalesce(%(begins)s::timestamptz, '-infinity')
        AND m.recorded_at < coalesce(%(ends)s::timestamptz, 'infinity')
        AND (m.recorded_at, m.message_id)
        > (coalesce(%(before_at)s::timestamptz, '-infinity'), coalesce(%(before_id)s::bigint, 0))
    ORDER BY m.recorded_at, m.message_id
    LIMIT %(looked_at)s
) AS s
WHERE s.is_wanted OR s.place = %(looked_at)s
ORDER BY s.recorded_at, s.message_id
LIMIT %(most)s;

-- name: of_agencies
-- Of the messages of some agencies in some states before a place in the list, the newest first: which are wanted, up
-- to so many. Of each agency and state so many are looked at; the last of them comes too, wanted or not: older ones of
-- it were not looked at. What waits or is on its way is looked at whole (OFFSET 0): these are days at most, and no
-- index is kept for it, which senders would pay for.
WITH settled AS (
    SELECT
        s.recorded_at,
        s.message_id,
        s.is_wanted,
        s.is_last
    FROM unnest(%(agencies)s::text[]) AS a (agency_code)
    CROSS JOIN unnest(%(states)s::text[]) AS t (state)
    CROSS JOIN
        LATERAL (
            SELECT
                l.recorded_at,
                l.message_id,
                l.is_wanted,
                l.place = %(looked_at)s AS is_last
            FROM (
                SELECT
                    m.recorded_at,
                    m.message_id,
                    (
                        (%(kind)s::text IS NULL OR m.kind = %(kind)s)
                        AND (%(reason)s::text IS NULL OR coalesce(m.reason = %(reason)s, FALSE))
                        AND (
                            %(procedure_codes)s::text[] IS NULL
                            OR coalesce(m.procedure_code = any(%(procedure_codes)s), FALSE)
                        )
                    ) AS is_wanted,
                    row_number() OVER (ORDER BY m.recorded_at DESC, m.message_id DESC) AS place
                FROM motcua.messages AS m
                WHERE
                    m.agency_code = a.agency_code
                    AND m.state = t.state
                    AND m.state NOT IN ('queued', 'sending')
                    AND m.recorded_at >= coalesce(%(begins)s::timestamptz, '-infinity')
                    AND m.recorded_at < coalesce(%(ends)s::timestamptz, 'infinity')
                    AND (m.recorded_at, m.message_id)
                    < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_id)s::bigint, 0))
                ORDER BY m.recorded_at DESC, m.message_id DESC
                LIMIT %(looked_at)s
            ) AS l
            WHERE l.is_wanted OR l.place = %(looked_at)s
            ORDER BY l.recorded_at DESC, l.message_id DESC
            LIMIT %(most)s
        ) AS s
    WHERE t.state NOT IN ('queued', 'sending')
),

in_hand AS (
    SELECT q.*
    FROM (
        SELECT m.recorded_at, m.message_id, m.agency_code, m.kind, m.reason, m.procedure_code
        FROM motcua.messages AS m
        WHERE m.state = 'queued' AND 'queued' = any(%(states)s::text[])
        OFFSET 0  -- noqa: AM09
    ) AS q
    UNION ALL
    SELECT s.*
    FROM (
        SELECT m.recorded_at, m.message_id, m.agency_code, m.kind, m.reason, m.procedure_code
        FROM motcua.messages AS m
        WHERE m.state = 'sending' AND 'sending' = any(%(states)s::text[])
        OFFSET 0  -- noqa: AM09
    ) AS s
)

SELECT
    f.recorded_at AS listed_at,
    f.message_id AS listed_id,
    f.is_wanted,
    f.is_last
FROM (
    SELECT s.recorded_at, s.message_id, s.is_wanted, s.is_last FROM settled AS s
    UNION ALL
    SELECT h.recorded_at, h.message_id, TRUE AS is_wanted, FALSE AS is_last
    FROM in_hand AS h
    WHERE
        h.agency_code = any(%(agencies)s::text[])
        AND (%(kind)s::text IS NULL OR h.kind = %(kind)s)
        AND (%(reason)s::text IS NULL OR h.reason = %(reason)s)
        AND (%(procedure_codes)s::text[] IS NULL OR h.procedure_code = any(%(procedure_codes)s))
        AND h.recorded_at >= coalesce(%(begins)s::timestamptz, '-infinity')
        AND h.recorded_at < coalesce(%(ends)s::timestamptz, 'infinity')
        AND (h.recorded_at, h.message_id)
        < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_id)s::bigint, 0))
) AS f
ORDER BY f.recorded_at DESC, f.message_id DESC
LIMIT %(most)s;

-- name: of_run
-- Of the messages that one run made, moved or tried, before a place in the list, the newest first: those that are
-- wanted, up to so many. Runs of before their numbers were kept are found by name alone. Costs what the run did, each
-- message looked up by itself (OFFSET 0).
WITH found AS MATERIALIZED (
    SELECT r.run_no FROM motcua.runs AS r
    WHERE r.run_id = %(run_id)s AND (%(dag_id)s::text IS NULL OR r.dag_id = %(dag_id)s)
),

touched AS MATERIALIZED (
    SELECT h.message_id FROM motcua.message_history AS h
    WHERE h.run_no = any(array(SELECT f.run_no FROM found AS f))
    UNION
    SELECT a.message_id FROM motcua.attempts AS a
    WHERE
        a.run_id = %(run_id)s
        AND (a.run_no IS NULL OR a.run_no = any(array(SELECT f.run_no FROM found AS f)))
)

SELECT
    m.recorded_at AS listed_at,
    m.message_id AS listed_id,
    TRUE AS is_wanted,
    FALSE AS is_last
FROM touched AS t
INNER JOIN LATERAL (
    SELECT r.message_id, r.recorded_at, r.agency_code, r.kind, r.state, r.reason, r.procedure_code
    FROM motcua.messages AS r
    WHERE r.message_id = t.message_id
    OFFSET 0  -- noqa: AM09
) AS m ON TRUE
WHERE
    (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s))
    AND (NOT %(of_no_agency)s OR m.agency_code IS NULL)
    AND (%(kind)s::text IS NULL OR m.kind = %(kind)s)
    AND (%(state)s::text IS NULL OR m.state = %(state)s)
    AND (%(reason)s::text IS NULL OR m.reason = %(reason)s)
    AND (%(procedure_codes)s::text[] IS NULL OR m.procedure_code = any(%(procedure_codes)s))
    AND m.recorded_at >= coalesce(%(begins)s::timestamptz, '-infinity')
    AND m.recorded_at < coalesce(%(ends)s::timestamptz, 'infinity')
    AND (m.recorded_at, m.message_id)
    < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_id)s::bigint, 0))
ORDER BY m.recorded_at DESC, m.message_id DESC
LIMIT %(most)s;

-- name: rows
-- These messages as people read them, in the order of their numbers here. Holds words and numbers: lists mask them.
SELECT
    m.message_id,
    m.kind,
    m.agency_code,
    m.procedure_code,
    p.name AS procedure_name,
    d.dossier_code,
    m.state,
    m.reason,
    m.msisdn,
    m.text,
    m.template_id,
    m.template_version,
    m.segments,
    m.recorded_at,
    m.accepted_at,
    m.changed_at
FROM motcua.messages AS m
LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
LEFT JOIN motcua.procedures AS p ON m.procedure_code = p.procedure_code
WHERE m.message_id = any(%(message_ids)s::bigint[])
ORDER BY array_position(%(message_ids)s::bigint[], m.message_id);
