-- The result and supplement messages that these dossiers have. Called by store/notices/messages.py.
SELECT
    message_id, dossier_id, kind, transition_id,
    CASE WHEN state IN ('accepted', 'delivered', 'unconfirmed') THEN accepted_at END AS accepted_at
FROM motcua.messages
WHERE dossier_id = any(%(dossier_ids)s) AND kind IN ('result', 'supplement')
ORDER BY message_id
