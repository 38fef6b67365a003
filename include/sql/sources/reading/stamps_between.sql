-- By when dossiers' rows say that they were written, in [since, until). Called by sources/contract.py.
SELECT
    agency_code,
    dossier_code,
    updated_at
FROM source_dossiers
WHERE updated_at >= %(since)s AND updated_at < %(until)s
