-- Inquiries of [start, end) whose reply is gone, and replies that no inquiry asked for; nothing accounts for either.
-- Called by store/oversight/closings.py.
SELECT
    'source' AS side,
    'without_message' AS reason,
    i.agency_code,
    '' AS procedure_code,
    'reply' AS kind,
    d.dossier_code,
    NULL::smallint AS source_id,
    NULL::bigint AS source_transition_id,
    NULL::bigint AS transition_id,
    i.message_id,
    i.received_at AS occurred_at
FROM motcua.inquiries AS i
LEFT JOIN motcua.dossiers AS d ON i.dossier_id = d.dossier_id
WHERE
    i.received_at >= %(start)s AND i.received_at < %(end)s AND i.inquiry_id <= %(known_inquiry)s
    AND NOT EXISTS (SELECT 1 FROM motcua.messages AS m WHERE m.message_id = i.message_id)
UNION ALL
SELECT
    'ledger' AS side,
    'without_event' AS reason,
    m.agency_code,
    coalesce(m.procedure_code, '') AS procedure_code,
    m.kind,
    d.dossier_code,
    NULL::smallint AS source_id,
    NULL::bigint AS source_transition_id,
    NULL::bigint AS transition_id,
    m.message_id,
    m.recorded_at AS occurred_at
FROM motcua.messages AS m
LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
WHERE
    m.kind = 'reply'
    AND m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    AND EXISTS (
        SELECT 1 FROM motcua.message_history AS h
        WHERE h.message_id = m.message_id AND h.from_state IS NULL AND h.history_id <= %(known_history)s
    )
    AND NOT EXISTS (SELECT 1 FROM motcua.inquiries AS i WHERE i.message_id = m.message_id)
