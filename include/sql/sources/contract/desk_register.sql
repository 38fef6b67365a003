-- The contract view onestop.desk_register, as far back as it matters. Called by sources/desk_register.py.
SELECT agency_code, dossier_code, result_ready_at, handed_over_at
FROM onestop.desk_register
WHERE coalesce(greatest(result_ready_at, handed_over_at) >= %(since)s, TRUE)
