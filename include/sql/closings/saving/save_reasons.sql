-- Messages by reason of a closing. Called by store/oversight/closings.py.
INSERT INTO motcua.closing_reasons (
    closing_no,
    agency_code,
    procedure_code,
    kind,
    state,
    reason,
    messages
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.procedure_code,
    r.kind,
    r.state,
    r.reason,
    r.messages
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text,
        procedure_code text,
        kind text,
        state text,
        reason text,
        messages integer
    )
