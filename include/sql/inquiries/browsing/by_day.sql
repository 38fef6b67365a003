-- Inquiries of a period by day of Vietnam and outcome, of some agencies or all. Called by store/browsing/inquiries.py.
SELECT
    (i.received_at AT TIME ZONE interval '+07:00')::date AS day,
    i.outcome,
    count(*) AS inquiries
FROM motcua.inquiries AS i
WHERE
    i.received_at >= %(begins)s
    AND i.received_at < %(ends)s
    AND (%(agencies)s::text[] IS NULL OR i.agency_code = any(%(agencies)s))
GROUP BY 1, 2
ORDER BY 1 DESC, 2
