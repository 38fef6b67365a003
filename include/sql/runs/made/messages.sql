-- Messages that a run made, moved or tried, the newest first, as they stand now. Of some agencies only, where these are
-- listed. Called by store/oversight/runs.py.
SELECT
    m.message_id,
    m.agency_code,
    d.dossier_code,
    m.kind,
    m.state,
    m.reason
FROM (
    SELECT h.message_id FROM motcua.message_history AS h
    WHERE h.run_no = %(run_no)s
    UNION
    SELECT a.message_id FROM motcua.attempts AS a
    WHERE a.run_id = %(run_id)s AND coalesce(a.run_no = %(run_no)s::bigint, TRUE)
) AS r
INNER JOIN motcua.messages AS m ON r.message_id = m.message_id
LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
WHERE %(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[])
ORDER BY m.message_id DESC
LIMIT %(limit)s
