-- A batch of occasions as a source's own tables hold them, with codes as the ledger writes them. Called by
-- store/oversight/closings.py.
INSERT INTO motcua.counted_occasions (
    source_id, agency_written, dossier_code, procedure_code, kind, numbers, due_day, occurred_at, recorded_at
)
SELECT
    s.source_id,
    r.agency_code,
    r.dossier_code,
    nullif(r.procedure_code, ''),
    r.kind,
    r.numbers,
    r.due_day,
    r.occurred_at,
    r.recorded_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text, dossier_code text, procedure_code text, kind text, numbers bigint[], due_day date,
        occurred_at timestamptz, recorded_at timestamptz
    )
INNER JOIN motcua.sources AS s ON s.name = %(source)s
