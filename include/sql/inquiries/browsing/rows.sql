-- These inquiries as people read them, in the order of their numbers here, each with what became of its reply. Holds
-- numbers, and what a stranger typed: lists mask them. Called by store/browsing/inquiries.py.
SELECT
    i.inquiry_id,
    i.received_at,
    i.msisdn,
    i.asked_code,
    i.outcome,
    i.agency_code,
    d.dossier_code,
    p.name AS procedure_name,
    m.state AS reply_state
FROM motcua.inquiries AS i
INNER JOIN motcua.messages AS m ON i.message_id = m.message_id
LEFT JOIN motcua.dossiers AS d ON i.dossier_id = d.dossier_id
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
WHERE i.inquiry_id = any(%(inquiry_ids)s::bigint[])
ORDER BY array_position(%(inquiry_ids)s::bigint[], i.inquiry_id)
