-- A dossier has left the condition of its notice. Called by sandbox/world/clockwork.py.
UPDATE truth.expected_notices SET left_at = %(now)s
WHERE
    agency_code = %(agency_code)s
    AND dossier_code = %(dossier_code)s
    AND kind = %(kind)s
    AND left_at IS NULL
