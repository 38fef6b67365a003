-- The dossier with this code, outer blanks left out, kept from others until the end of the transaction.
-- Called by sandbox/world/clockwork.py for a visitor who acts as an official.
SELECT
    dossier_id,
    memory
FROM world.dossiers
WHERE agency_code = %(agency_code)s AND dossier_code = %(dossier_code)s
FOR UPDATE
