-- Suppressed messages whose phone was typed anew and is unusable for another reason now. Called by store/messages.py.
UPDATE motcua.messages AS m
SET reason = d.phone_refusal
FROM motcua.dossiers AS d
WHERE
    d.dossier_id = m.dossier_id
    AND m.state = 'suppressed'
    AND m.reason NOT IN ('same_day', 'kind_off', 'already_told')
    AND d.phone_refusal IS NOT NULL
    AND m.reason <> d.phone_refusal
    AND m.useful_until > %(now)s
