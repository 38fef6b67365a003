-- Inquiries of a period by day of Vietnam and outcome, of some agencies or all, day by day: to sort all of a month
-- would cost more than to count them. Called by store/browsing/inquiries.py.
SELECT
    d.day,
    o.outcome,
    o.inquiries
FROM (
    SELECT n.begins_at::date AS day, n.begins_at AT TIME ZONE interval '+07:00' AS begins_at
    FROM generate_series(
        %(begins)s::timestamptz AT TIME ZONE interval '+07:00',
        %(ends)s::timestamptz AT TIME ZONE interval '+07:00' - interval '1 day',
        interval '1 day'
    ) AS n (begins_at)
) AS d
CROSS JOIN
    LATERAL (
        SELECT
            i.outcome,
            count(*) AS inquiries
        FROM motcua.inquiries AS i
        WHERE
            i.received_at >= d.begins_at
            AND i.received_at < d.begins_at + interval '1 day'
            AND (%(agencies)s::text[] IS NULL OR i.agency_code = any(%(agencies)s))
        GROUP BY i.outcome
    ) AS o
ORDER BY d.day DESC, o.outcome
