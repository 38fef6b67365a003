-- Of the messages of some agencies in some states before a place in the list, the newest first: which are wanted, up
-- to so many. Of each agency and state so many are looked at; the last of them comes too, wanted or not: older ones of
-- it were not looked at. What waits or is on its way is looked at whole (OFFSET 0): these are days at most, and no
-- index is kept for it, which senders would pay for. Called by store/browsing/messages.py.
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
LIMIT %(most)s
