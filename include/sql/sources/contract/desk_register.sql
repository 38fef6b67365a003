-- The contract view onestop.desk_register, as far back as it matters. Times that Python cannot hold come as NULL.
-- Called by sources/desk_register.py.
SELECT
    agency_code,
    dossier_code,
    CASE WHEN result_ready_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN result_ready_at END
        AS result_ready_at,
    CASE WHEN handed_over_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN handed_over_at END
        AS handed_over_at
FROM onestop.desk_register
WHERE coalesce(greatest(result_ready_at, handed_over_at) >= %(since)s, TRUE)
