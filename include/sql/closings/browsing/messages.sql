-- Message figures of a closing by agency and kind, and by itself each cell that does not balance: what is too much in
-- one would hide what is missing in another. As many rows as agencies, however many procedures. Called by
-- store/browsing/closings.py.
SELECT
    c.agency_code,
    CASE WHEN c.difference = 0 THEN '' ELSE c.procedure_code END AS procedure_code,
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
WHERE c.closing_no = %(closing_no)s
GROUP BY c.agency_code, CASE WHEN c.difference = 0 THEN '' ELSE c.procedure_code END, c.kind
ORDER BY c.agency_code, procedure_code, c.kind
