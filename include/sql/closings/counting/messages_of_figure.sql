-- The messages of a closing that stood in any of these states at its cut-off, of one agency, procedure, kind and reason
-- or of all, the oldest first, up to a limit, each
-- with how many there are. Called by store/oversight/figure_rows.py.
SELECT
    m.message_id,
    d.dossier_code,
    m.agency_code,
    m.procedure_code,
    m.kind,
    m.state,
    coalesce(m.reason, '') AS reason,
    m.recorded_at,
    m.moved_at,
    count(*) OVER () AS all_rows
FROM audit.messages_as_of(%(known_history)s) AS m
LEFT JOIN audit.dossiers AS d ON m.dossier_id = d.dossier_id
WHERE
    m.recorded_at >= %(start)s AND m.recorded_at < %(end)s
    AND m.state = any(%(states)s)
    AND coalesce(m.agency_code = %(agency_code)s, %(agency_code)s::text IS NULL)
    AND coalesce(m.procedure_code = %(procedure_code)s, %(procedure_code)s::text IS NULL)
    AND coalesce(m.kind = %(kind)s, %(kind)s::text IS NULL)
    AND coalesce(coalesce(m.reason, '') = %(reason)s, %(reason)s::text IS NULL)
ORDER BY m.recorded_at, m.message_id
LIMIT %(limit)s
