-- Texts to 9029 that came from a number and are not emptied, and whether the reply to one is still under way. Called by
-- store/personal_data_requests.py.
SELECT
    i.gateway,
    i.inquiry_id,
    m.state IN ('queued', 'sending', 'unknown') AS is_under_way
FROM motcua.inquiries AS i
INNER JOIN motcua.messages AS m ON i.message_id = m.message_id
WHERE i.msisdn = %(msisdn)s AND i.purged_at IS NULL
ORDER BY i.inquiry_id
