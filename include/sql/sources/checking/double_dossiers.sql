-- Dossiers that stand in several rows, some of them, with how many there are. Called by sources/checking.py.
SELECT
    d.agency_code,
    d.dossier_code,
    count(*) OVER () AS doubles
FROM source_dossiers AS d
WHERE d.agency_code IS NOT NULL AND d.dossier_code IS NOT NULL
GROUP BY d.agency_code, d.dossier_code
HAVING count(*) > 1
ORDER BY d.agency_code, d.dossier_code
LIMIT %(most)s
