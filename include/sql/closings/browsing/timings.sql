-- Times to delivery of a closing over all procedures. Called by store/browsing/closings.py.
SELECT
    c.agency_code,
    c.procedure_code,
    c.kind,
    c.delivered,
    c.median_seconds,
    c.p95_seconds
FROM audit.closing_timings AS c
WHERE c.closing_no = %(closing_no)s AND c.procedure_code IS NULL
ORDER BY c.agency_code NULLS FIRST, c.kind
