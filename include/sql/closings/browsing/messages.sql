-- Message figures of a closing by agency and kind, and by itself each cell that does not balance: what is too much in
-- one would hide what is missing in another. As many rows as agencies, however many procedures. Called by
-- store/browsing/closings.py.
SELECT
    c.agency_code,
    '' AS procedure_code,
    c.kind,
    sum(c.at_source) AS at_source,
    sum(c.out_of_scope) AS out_of_scope,
    sum(c.only_source) AS only_source,
    sum(c.only_ledger) AS only_ledger,
    sum(c.suppressed) AS suppressed,
    sum(c.cancelled) AS cancelled,
    sum(c.expired) AS expired,
    sum(c.queued) AS queued,
    sum(c.sending) AS sending,
    sum(c.unknown) AS unknown,
    sum(c.rejected) AS rejected,
    sum(c.accepted) AS accepted,
    sum(c.delivered) AS delivered,
    sum(c.undelivered) AS undelivered,
    sum(c.unconfirmed) AS unconfirmed,
    sum(c.segments) AS segments
FROM audit.closing_messages AS c
WHERE c.closing_no = %(closing_no)s AND c.difference = 0
GROUP BY c.agency_code, c.kind
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
