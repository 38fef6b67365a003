-- Orphans of a closing. Called by store/oversight/closings.py.
INSERT INTO motcua.closing_orphans (
    closing_no,
    sort,
    agency_code,
    procedure_code,
    dossier_code,
    message_id,
    receipt_id,
    happened_at
)
SELECT
    %(closing_no)s,
    r.sort,
    r.agency_code,
    r.procedure_code,
    r.dossier_code,
    r.message_id,
    r.receipt_id,
    r.happened_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        sort text,
        agency_code text,
        procedure_code text,
        dossier_code text,
        message_id bigint,
        receipt_id bigint,
        happened_at timestamptz
    )
