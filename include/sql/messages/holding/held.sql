-- Messages of unknown outcome with the attempt that has no known end, of some agencies or all, from the
-- first on, or just those that are named; no number and no words. Called by store/notices/messages.py.
SELECT
    m.message_id,
    m.kind,
    m.agency_code,
    d.dossier_code,
    p.name AS procedure_name,
    m.reason,
    m.useful_until,
    a.gateway,
    a.started_at,
    a.settlings,
    a.gateway_code
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
LEFT JOIN motcua.procedures AS p ON m.procedure_code = p.procedure_code
WHERE
    m.state = 'unknown'
    AND a.state = 'unknown'
    AND NOT a.released
    AND (%(useful_at)s::timestamptz IS NULL OR m.useful_until > %(useful_at)s)
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s))
    AND (%(message_ids)s::bigint[] IS NULL OR m.message_id = any(%(message_ids)s))
ORDER BY m.message_id
LIMIT %(limit)s
