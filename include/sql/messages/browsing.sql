-- Count messages by state, and list messages on staff pages. Called by store/browsing.py and store/notices/messages.py.

-- name: by_state
-- Return the number of messages by agency, kind and state, and by reason too if they were suppressed, cancelled or
-- rejected (motcua.messages).
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
-- Return the number of messages recorded in [start, end), by agency, kind and state (motcua.messages). The parameter
-- agencies limits the count to some agencies; NULL means all. The cost grows with the length of [start, end), not with
-- the size of the table.
SELECT m.agency_code, m.kind, m.state, count(*) AS messages
FROM motcua.messages AS m
WHERE
    m.recorded_at >= %(start)s
    AND m.recorded_at < %(end)s
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
GROUP BY m.agency_code, m.kind, m.state
ORDER BY m.agency_code, m.kind, m.state;

-- name: waiting
-- Return how many messages are due, and how many failed and wait for a retry (motcua.messages). The parameter carriers
-- limits the due messages to some carriers; NULL means all. Messages that wait because staff stopped the sending,
-- because the ledger may have been restored (slept), or for a gateway's opening hours do not count as failed.
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
-- Make PostgreSQL's query planner read rows through an index, in the order of the index, until this transaction ends. A
-- list takes only its first rows. Without these settings the query planner may collect and sort a whole month, and the
-- cost then grows with the number of messages of the busiest agency.
SELECT set_config(s.name, s.value, TRUE)
FROM (VALUES ('enable_bitmapscan', 'off'), ('enable_seqscan', 'off'), ('enable_sort', 'off')) AS s (name, value);

-- name: newest
-- Return the messages after a given position in the list that begins with the newest message (motcua.messages).
-- is_wanted tells whether a message matches the filters. The query reads at most looked_at messages and returns at most
-- "most" of them. The last message that it reads is returned even if it does not match, so that the caller knows where
-- to continue. The cost depends on looked_at alone, not on the filters.
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
-- Return the messages after a given position in the list that begins with the oldest message (motcua.messages).
-- is_wanted tells whether a message matches the filters. The query reads at most looked_at messages and returns at most
-- "most" of them. The last message that it reads is returned even if it does not match, so that the caller knows where
-- to continue. The cost depends on looked_at alone, not on the filters.
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
-- Return the messages of some agencies in some states after a given position in the list that begins with the newest
-- message (motcua.messages). The query reads at most looked_at messages of each agency and state. The last message that
-- it reads of an agency and state is returned even if it does not match the filters (is_wanted), so that the caller
-- knows where to continue. All queued messages and all messages that are being sent are read before they are filtered
-- (OFFSET 0 makes PostgreSQL do so). These are the messages of a few days at most, and an index for this query would
-- slow down the senders.
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
-- Return the messages that one run inserted, changed or tried to send, after a given position in the list that begins
-- with the newest (motcua.messages). Attempts without a run number, which old versions wrote, are found by the name of
-- the run. OFFSET 0 makes PostgreSQL look up each message by its key, so the cost grows with the number of messages of
-- the run.
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
-- Return the messages with these numbers, in the order in which the numbers are given, with all columns that a list
-- shows (motcua.messages, motcua.dossiers, motcua.procedures). The result holds texts and phone numbers, which lists
-- mask.
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
