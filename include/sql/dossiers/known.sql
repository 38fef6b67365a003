-- Which of these dossiers we have. Called by store/notices/dossiers.py.
SELECT d.dossier_id, d.agency_code, d.dossier_code
FROM motcua.dossiers AS d
INNER JOIN
    unnest(%(agency_codes)s::text[], %(dossier_codes)s::text[]) AS k (agency_code, dossier_code)
    ON d.agency_code = k.agency_code AND d.dossier_code = k.dossier_code
