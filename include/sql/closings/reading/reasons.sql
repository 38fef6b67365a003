-- Messages by reason of a closing, as stored, in their order; of one agency or of all. Called by
-- store/oversight/closings.py.
SELECT
    agency_code,
    procedure_code,
    kind,
    state,
    reason,
    messages
FROM audit.closing_reasons
WHERE closing_no = %(closing_no)s AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY agency_code, procedure_code, kind, state, reason
