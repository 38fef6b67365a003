-- Message figures of a closing, as stored, in their order; of one agency or of all. Called by
-- store/oversight/closings.py.
SELECT
    agency_code,
    procedure_code,
    kind,
    at_source,
    out_of_scope,
    only_source,
    only_ledger,
    suppressed,
    cancelled,
    expired,
    queued,
    sending,
    unknown,
    rejected,
    accepted,
    delivered,
    undelivered,
    unconfirmed,
    segments
FROM audit.closing_messages
WHERE closing_no = %(closing_no)s AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY agency_code, procedure_code, kind
