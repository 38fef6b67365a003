-- Agencies that were enabled before a moment and of which no source ever brought a dossier. Called by
-- store/ledger/inspecting.py.
SELECT g.agency_code
FROM motcua.agencies AS g
WHERE
    g.enabled_from <= %(before)s
    AND NOT EXISTS (SELECT 1 FROM motcua.dossiers AS d WHERE d.agency_code = g.agency_code)
ORDER BY g.agency_code
