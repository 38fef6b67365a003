-- Who was told of a result in the last days before a moment. Called by sandbox/past/playing.py.
SELECT
    d.dossier_id,
    d.agency_code,
    d.dossier_code,
    m.msisdn
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d USING (dossier_id)
WHERE
    m.kind = 'result' AND m.state = 'delivered' AND m.msisdn IS NOT NULL
    AND m.changed_at BETWEEN %(now)s - interval '3 days' AND %(now)s
ORDER BY m.message_id
