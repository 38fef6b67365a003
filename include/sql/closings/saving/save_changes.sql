-- What a correction changed of a closing. Called by store/oversight/closings.py.
INSERT INTO motcua.closing_changes (
    closing_no,
    agency_code,
    procedure_code,
    kind,
    figure,
    was,
    became,
    causes
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.procedure_code,
    r.kind,
    r.figure,
    r.was,
    r.became,
    r.causes
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text,
        procedure_code text,
        kind text,
        figure text,
        was bigint,
        became bigint,
        causes text[]
    )
