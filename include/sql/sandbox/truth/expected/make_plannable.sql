-- The dossier's row has appeared: what waited for it can be planned. Called by sandbox/world/clockwork.py.
UPDATE truth.expected_notices SET plannable_at = %(now)s
WHERE
    agency_code = %(agency_code)s
    AND dossier_code = %(dossier_code)s
    AND obstacle = 'no_dossier_row'
    AND plannable_at IS NULL
