-- Records complaints, each once however often its entry is given; tells the numbers of those that are new. Called by
-- store/oversight/complaints.py.
INSERT INTO motcua.complaints (
    entry_key, agency_code, dossier_code, received_at, channel, claim, note, recorded_by, recorded_at, imported_from,
    imported_sha256, imported_line, alike_no
)
SELECT
    r.entry_key, r.agency_code, r.dossier_code, r.received_at, r.channel, r.claim, r.note, %(recorded_by)s,
    %(recorded_at)s, %(imported_from)s, %(imported_sha256)s, r.imported_line, r.alike_no
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        entry_key text, agency_code text, dossier_code text, received_at timestamptz, channel text, claim text,
        note text, imported_line integer, alike_no integer
    )
ON CONFLICT (entry_key) DO NOTHING
RETURNING complaint_id
