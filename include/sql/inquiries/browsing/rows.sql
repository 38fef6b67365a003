-- These inquiries as people read them, the newest first, each with what became of its reply. Holds numbers, and what a
-- stranger typed: pages mask them. Called by store/browsing/inquiries.py.
SELECT
    i.inquiry_id,
    i.received_at,
    i.msisdn,
    i.asked_code,
    i.outcome,
    i.agency_code,
    d.dossier_code,
    m.state AS reply_state
FROM motcua.inquiries AS i
INNER JOIN motcua.messages AS m ON i.message_id = m.message_id
LEFT JOIN motcua.dossiers AS d ON i.dossier_id = d.dossier_id
WHERE i.inquiry_id = any(%(inquiry_ids)s)
ORDER BY i.received_at DESC, i.inquiry_id DESC
