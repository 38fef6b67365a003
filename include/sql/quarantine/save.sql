-- Rows that cannot be used: new ones, and those seen again. Called by store/quarantine.py.
INSERT INTO motcua.quarantine AS q (
    source_id, row_kind, row_key, reason, agency_code, dossier_code, status_code, payload, first_seen_at, last_seen_at
)
SELECT
    %(source_id)s,
    r.row_kind,
    r.row_key,
    r.reason,
    r.agency_code,
    r.dossier_code,
    r.status_code,
    r.payload,
    %(now)s,
    %(now)s
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        row_kind text,
        row_key text,
        reason text,
        agency_code text,
        dossier_code text,
        status_code integer,
        payload jsonb
    )
ON CONFLICT (source_id, row_kind, row_key) DO UPDATE
    SET
        reason = excluded.reason,
        agency_code = excluded.agency_code,
        dossier_code = excluded.dossier_code,
        status_code = excluded.status_code,
        payload = excluded.payload,
        last_seen_at = excluded.last_seen_at,
        released_at = NULL
RETURNING (xmax = 0) AS is_new
