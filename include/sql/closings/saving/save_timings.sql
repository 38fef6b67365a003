-- Times to delivery of a closing. Called by store/oversight/closings.py.
INSERT INTO motcua.closing_timings (
    closing_no,
    agency_code,
    procedure_code,
    kind,
    delivered,
    median_seconds,
    p95_seconds
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.procedure_code,
    r.kind,
    r.delivered,
    r.median_seconds,
    r.p95_seconds
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text,
        procedure_code text,
        kind text,
        delivered integer,
        median_seconds integer,
        p95_seconds integer
    )
