-- What 9029 was asked about a dossier and answered, the newest first; found through the replies, which name it.
-- Called by store/dossiers.py.
SELECT
    i.inquiry_id,
    i.received_at AS at,
    i.msisdn,
    i.gateway,
    m.message_id,
    m.text,
    m.state
FROM (
    SELECT n.message_id, n.text, n.state
    FROM motcua.messages AS n
    WHERE n.dossier_id = %(dossier_id)s AND n.kind = 'reply'
    ORDER BY n.message_id DESC
    LIMIT %(limit)s
) AS m
INNER JOIN motcua.inquiries AS i ON m.message_id = i.message_id
ORDER BY i.inquiry_id DESC
