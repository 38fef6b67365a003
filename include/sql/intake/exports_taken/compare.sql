-- Open dossiers that earlier whole exports had, and how many of these are not among the given ones. Called by
-- store/intake/exports.py.
SELECT
    c.there,
    c.missing
FROM intake.compare_export(%(client_id)s, %(agency_codes)s, %(dossier_codes)s) AS c
