-- Codes that no agency knows and that were asked for more than once in a period, however they were spelled, the most
-- asked first. Called by store/browsing/inquiries.py.
SELECT
    (array_agg(i.asked_code ORDER BY i.inquiry_id DESC))[1] AS asked_code,
    count(*) AS inquiries,
    count(DISTINCT i.msisdn) AS phones,
    max(i.received_at) AS last_at
FROM motcua.inquiries AS i
WHERE
    i.outcome = 'unknown_code'
    AND i.asked_code IS NOT NULL
    AND i.received_at >= %(begins)s
    AND i.received_at < %(ends)s
GROUP BY motcua.code_key(i.asked_code)
HAVING count(*) > 1
ORDER BY inquiries DESC, last_at DESC
LIMIT %(limit)s
