-- Keeps the lines, without the numbers that they name, also in references. Called by store/oversight/statements.py.
INSERT INTO motcua.statement_lines (
    statement_no, direction, line_no, reference, gateway_reference, sent_at, segments, price, amount, carrier, status,
    billed
)
SELECT
    %(statement_no)s, direction, line_no, motcua.without_numbers(reference),
    motcua.without_numbers(gateway_reference), sent_at, segments, price, amount, carrier,
    status, billed
FROM statements.lines
