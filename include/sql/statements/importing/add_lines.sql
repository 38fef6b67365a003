-- Adds lines of the file that is being imported; amounts come in hundredths of a đồng, prices in ten-thousandths.
-- Called by store/oversight/statements.py.
INSERT INTO statements.lines (
    direction, line_no, reference, gateway_reference, msisdn, sent_at, segments, price, amount, carrier, status, billed
)
SELECT
    r.direction, r.line_no, r.reference, r.gateway_reference, r.msisdn, to_timestamp(r.sent_at::double precision),
    r.segments, r.price::numeric / 10000, r.amount::numeric / 100, r.carrier, r.status, r.billed
FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS r (
    direction text, line_no integer, reference text, gateway_reference text, msisdn text, sent_at bigint,
    segments integer, price bigint, amount bigint, carrier text, status text, billed boolean
)
