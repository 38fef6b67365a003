-- Phones that asked for unknown codes more than once in a period, the most persistent first, with the code asked last.
-- Called by store/browsing/inquiries.py.
SELECT
    i.msisdn,
    count(*) AS inquiries,
    count(DISTINCT motcua.code_key(i.asked_code)) AS codes,
    (array_agg(i.asked_code ORDER BY i.inquiry_id DESC))[1] AS asked_code,
    max(i.received_at) AS last_at
FROM motcua.inquiries AS i
WHERE
    i.outcome = 'unknown_code'
    AND i.msisdn IS NOT NULL
    AND i.received_at >= %(begins)s
    AND i.received_at < %(ends)s
GROUP BY i.msisdn
HAVING count(*) > 1
ORDER BY inquiries DESC, last_at DESC
LIMIT %(limit)s
