-- Message figures of a closing, as stored, in their order. Called by store/oversight/closings.py.
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
WHERE closing_no = %(closing_no)s
ORDER BY agency_code, procedure_code, kind
