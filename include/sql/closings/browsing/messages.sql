-- Message figures of a closing by agency and kind, and by itself each cell that does not balance: what is too much in
-- one would hide what is missing in another. As many rows as agencies, however many procedures. Called by
-- store/browsing/closings.py.
SELECT
    s.agency_code,
    '' AS procedure_code,
    s.kind,
    s.at_source,
    s.out_of_scope,
    s.only_source,
    s.only_ledger,
    s.suppressed,
    s.cancelled,
    s.expired,
    s.queued,
    s.sending,
    s.unknown,
    s.rejected,
    s.accepted,
    s.delivered,
    s.undelivered,
    s.unconfirmed,
    s.segments
FROM audit.closing_message_sums AS s
WHERE s.closing_no = %(closing_no)s AND s.balances
UNION ALL
SELECT
    u.agency_code,
    u.procedure_code,
    u.kind,
    u.at_source,
    u.out_of_scope,
    u.only_source,
    u.only_ledger,
    u.suppressed,
    u.cancelled,
    u.expired,
    u.queued,
    u.sending,
    u.unknown,
    u.rejected,
    u.accepted,
    u.delivered,
    u.undelivered,
    u.unconfirmed,
    u.segments
FROM audit.closing_messages AS u
WHERE u.closing_no = %(closing_no)s AND u.difference <> 0
