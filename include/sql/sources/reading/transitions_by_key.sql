-- All transitions of the dossiers with these (agency_code, dossier_code). Called by sources/contract.py.
SELECT
    transition_id,
    agency_code,
    dossier_code,
    left(from_step, 2000) AS from_step,
    left(to_step, 2000) AS to_step,
    status_code,
    at_one_stop_desk,
    CASE WHEN occurred_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN occurred_at END
        AS occurred_at,
    CASE WHEN recorded_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN recorded_at END
        AS recorded_at,
    left(actor, 2000) AS actor,
    left(note, 20000) AS note
FROM source_transitions
WHERE
    (agency_code, dossier_code) IN (
        SELECT k.agency_code, k.dossier_code
        FROM unnest(%(agency_codes)s::text[], %(dossier_codes)s::text[]) AS k (agency_code, dossier_code)
    )
    -- Nothing more, but a database behind foreign tables can be asked for it.
    AND agency_code = any(%(agency_codes)s::text[]) AND dossier_code = any(%(dossier_codes)s::text[])
