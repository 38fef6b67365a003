-- How many dossiers whose own number is another one were once told by this number: a desk has mended it since, or it
-- was never theirs. Called by store/personal_data_requests.py.
SELECT count(DISTINCT m.dossier_id) AS dossiers
FROM motcua.messages AS m
WHERE
    m.kind <> 'reply'
    AND m.dossier_id <> all(%(dossier_ids)s::bigint[])
    AND (
        m.msisdn = %(msisdn)s
        OR EXISTS (
            SELECT 1 FROM motcua.attempts AS a WHERE a.message_id = m.message_id AND a.msisdn = %(msisdn)s
        )
    )
