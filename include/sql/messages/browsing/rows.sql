-- These messages as people read them, in the order of their numbers here. Holds words and numbers: lists mask them.
-- Called by store/browsing/messages.py.
SELECT
    m.message_id,
    m.kind,
    m.agency_code,
    m.procedure_code,
    p.name AS procedure_name,
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
LEFT JOIN motcua.procedures AS p ON m.procedure_code = p.procedure_code
WHERE m.message_id = any(%(message_ids)s::bigint[])
ORDER BY array_position(%(message_ids)s::bigint[], m.message_id)
