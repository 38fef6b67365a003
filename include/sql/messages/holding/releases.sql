-- Messages of unknown outcome that people let go again, of some agencies or all, the latest first; no number and no
-- words. Called by store/notices/messages.py.
SELECT
    r.released_at, r.released_by, r.reason, m.kind, m.agency_code, d.dossier_code, p.name AS procedure_name, m.state
FROM motcua.releases AS r
INNER JOIN motcua.messages AS m ON r.message_id = m.message_id
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
LEFT JOIN motcua.procedures AS p ON m.procedure_code = p.procedure_code
WHERE %(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s)
ORDER BY r.release_id DESC
LIMIT %(limit)s
