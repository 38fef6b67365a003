-- These messages as people read them, the newest first. Holds words and numbers: pages mask them. Called by
-- store/browsing/messages.py.
SELECT
    m.message_id,
    m.kind,
    m.agency_code,
    m.procedure_code,
    d.dossier_code,
    m.state,
    m.reason,
    m.msisdn,
    m.text,
    m.template_id,
    m.template_version,
    m.segments,
    m.recorded_at,
    m.accepted_at,
    m.changed_at
FROM motcua.messages AS m
LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
WHERE m.message_id = any(%(message_ids)s)
ORDER BY m.recorded_at DESC, m.message_id DESC
