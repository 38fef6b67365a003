-- Messages by reason of a closing, as stored, in their order. Called by store/oversight/closings.py.
SELECT
    agency_code,
    procedure_code,
    kind,
    state,
    reason,
    messages
FROM audit.closing_reasons
WHERE closing_no = %(closing_no)s
ORDER BY agency_code, procedure_code, kind, state, reason
