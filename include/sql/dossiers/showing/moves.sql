-- Each move of a dossier's messages, the newest first; of the first one of a message its words, too. Replies are among
-- the inquiries. Called by store/dossiers.py.
SELECT
    h.history_id,
    h.changed_at AS at,
    m.message_id,
    m.kind,
    h.from_state,
    h.to_state,
    h.to_reason,
    CASE WHEN h.from_state IS NULL THEN m.text END AS text
FROM motcua.messages AS m
INNER JOIN motcua.message_history AS h ON m.message_id = h.message_id
WHERE m.dossier_id = %(dossier_id)s AND m.kind <> 'reply'
ORDER BY h.history_id DESC
LIMIT %(limit)s
