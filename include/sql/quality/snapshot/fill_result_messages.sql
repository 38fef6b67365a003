-- What became of each dossier's result messages. Called by store/oversight/quality.py.
INSERT INTO quality.result_messages (dossier_id, told, outcome)
SELECT
    m.dossier_id,
    bool_or(m.accepted_at IS NOT NULL),
    CASE
        WHEN bool_or(m.state = 'delivered') THEN 'delivered'
        WHEN bool_or(m.state IN ('queued', 'sending', 'unknown', 'accepted')) THEN 'pending'
        WHEN bool_or(m.state = 'suppressed' AND m.reason IN ('kind_off', 'same_day', 'already_told')) THEN 'off'
        WHEN bool_and(m.state = 'cancelled') THEN 'cancelled'
        WHEN bool_or(m.state = 'suppressed') THEN 'no_phone'
        ELSE 'failed'
    END
FROM motcua.messages AS m
WHERE m.kind = 'result' AND m.dossier_id IS NOT NULL
GROUP BY m.dossier_id
