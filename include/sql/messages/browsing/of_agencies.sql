-- Of the messages of some agencies in some states before a place in the list, the newest first: which are wanted, up to
-- so many. Of each agency and state so many are looked at; the last of them comes too, wanted or not: older ones of it
-- were not looked at. Called by store/browsing/messages.py.
SELECT
    s.recorded_at AS listed_at,
    s.message_id AS listed_id,
    s.is_wanted,
    s.is_last
FROM unnest(%(agencies)s::text[]) AS a (agency_code)
CROSS JOIN unnest(%(states)s::text[]) AS t (state)
CROSS JOIN LATERAL (
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
                AND (%(procedure_code)s::text IS NULL OR coalesce(m.procedure_code = %(procedure_code)s, FALSE))
            ) AS is_wanted,
            row_number() OVER (ORDER BY m.recorded_at DESC, m.message_id DESC) AS place
        FROM motcua.messages AS m
        WHERE
            m.agency_code = a.agency_code
            AND m.state = t.state
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
ORDER BY s.recorded_at DESC, s.message_id DESC
LIMIT %(most)s
