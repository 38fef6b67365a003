-- The reply that an inquiry got when it was first brought. Called by store/notices/inquiries.py.
SELECT
    m.text,
    m.accented,
    i.outcome
FROM motcua.inquiries AS i
INNER JOIN motcua.messages AS m ON i.message_id = m.message_id
WHERE i.gateway = %(gateway)s AND i.dedupe_key = %(dedupe_key)s
