-- Of the messages after a place in the list, the oldest first: which are wanted, up to so many, looking at so many at
-- most. The last one that was looked at comes too, wanted or not: newer ones were not looked at. It costs what it may
-- look at, whatever is wanted. Called by store/browsing/messages.py.
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
LIMIT %(most)s
