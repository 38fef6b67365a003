-- Rows that cannot be used: new ones, those that have changed, and those that were of use meanwhile. One that waits as
-- it is read again is not written, nor locked, which would write it too. Called by store/notices/quarantine.py.
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
WHERE
    NOT EXISTS (
        SELECT 1 FROM motcua.quarantine AS k
        WHERE
            k.source_id = %(source_id)s AND k.row_kind = r.row_kind AND k.row_key = r.row_key AND k.released_at IS NULL
            AND (k.reason, k.agency_code, k.status_code) IS NOT DISTINCT FROM (r.reason, r.agency_code, r.status_code)
            -- Emptied after its time, a row that waits as it is gets nothing of it again.
            AND (
                k.purged_at IS NOT NULL
                OR (k.dossier_code, k.payload) IS NOT DISTINCT FROM (r.dossier_code, r.payload)
            )
    )
ON CONFLICT (source_id, row_kind, row_key) DO UPDATE
    SET
        reason = excluded.reason,
        agency_code = excluded.agency_code,
        dossier_code = excluded.dossier_code,
        status_code = excluded.status_code,
        payload = excluded.payload,
        last_seen_at = excluded.last_seen_at,
        released_at = NULL,
        purged_at = NULL
RETURNING (xmax = 0) AS is_new
