-- The dossiers that a closing counts in any of these figures (JSON objects such as {"resolved_late": true}), of one
-- agency and procedure or of all, the longest overdue first, up to a limit, each
-- with how many there are. Called by store/oversight/figure_rows.py.
SELECT
    d.dossier_code,
    d.agency_code,
    d.procedure_code,
    d.received_at,
    d.due_at,
    d.resolved_at,
    d.returned_at,
    count(*) OVER () AS all_rows
FROM audit.dossiers_in_period(%(known_version)s, %(start)s, %(end)s, %(agency_code)s) AS d
WHERE
    coalesce(d.procedure_code = %(procedure_code)s, %(procedure_code)s::text IS NULL)
    AND to_jsonb(d) @> any(%(figures)s::jsonb[])
ORDER BY d.due_at NULLS LAST, d.received_at, d.dossier_code, d.dossier_id
LIMIT %(limit)s
