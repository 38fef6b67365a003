-- Which of these rows of a source, by their places, the ledger has not with that stamp; those of a dossier that another
-- source tells of are left to it. Called by store/notices/dossiers.py.
SELECT g.place
FROM
    json_to_recordset(%(rows)s::json) AS g (
        place integer, agency_code text, dossier_code text, updated_at timestamptz
    )
LEFT JOIN motcua.dossiers AS d ON g.agency_code = d.agency_code AND g.dossier_code = d.dossier_code
WHERE
    d.dossier_id IS NULL
    OR (d.source_id = %(source_id)s AND g.updated_at IS DISTINCT FROM coalesce(d.stamped_at, d.updated_at))
