-- The attempts of a dossier's messages, the newest first, each with what the gateway answered and who let the message
-- go again after it. No number. Called by store/dossiers.py.
SELECT
    a.attempt_id,
    a.started_at AS at,
    a.message_id,
    a.gateway,
    a.state,
    a.outcome,
    a.http_status,
    a.gateway_code,
    a.answered_at,
    r.released_at,
    r.released_by,
    r.reason AS released_because
FROM motcua.messages AS m
INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
LEFT JOIN motcua.releases AS r ON a.attempt_id = r.attempt_id AND m.message_id = r.message_id
WHERE m.dossier_id = %(dossier_id)s AND m.kind <> 'reply'
ORDER BY a.attempt_id DESC
LIMIT %(limit)s
