-- Of the inquiries of a period before a place in the list, the newest first: which are wanted, up to so many, looking
-- at so many at most. The last one that was looked at comes too, wanted or not: older ones were not looked at. Called
-- by store/browsing/inquiries.py.
SELECT
    s.received_at AS listed_at,
    s.inquiry_id AS listed_id,
    s.is_wanted,
    s.place = %(looked_at)s AS is_last
FROM (
    SELECT
        i.received_at,
        i.inquiry_id,
        (
            (%(agencies)s::text[] IS NULL OR coalesce(i.agency_code = any(%(agencies)s), FALSE))
            AND (%(outcome)s::text IS NULL OR i.outcome = %(outcome)s)
        ) AS is_wanted,
        row_number() OVER (ORDER BY i.received_at DESC, i.inquiry_id DESC) AS place
    FROM motcua.inquiries AS i
    WHERE
        i.received_at >= %(begins)s
        AND i.received_at < %(ends)s
        AND (i.received_at, i.inquiry_id)
        < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_id)s::bigint, 0))
    ORDER BY i.received_at DESC, i.inquiry_id DESC
    LIMIT %(looked_at)s
) AS s
WHERE s.is_wanted OR s.place = %(looked_at)s
ORDER BY s.received_at DESC, s.inquiry_id DESC
LIMIT %(most)s
