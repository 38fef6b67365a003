-- Writes the statement down, with its sums from the lines; gives its number. Called by store/oversight/statements.py.
INSERT INTO motcua.carrier_statements (
    form, gateway, month, covers_until, file_name, sha256, imported_at, imported_by, terms, lines, segments, amount,
    inquiries, revenue, supersedes
)
SELECT
    %(form)s, %(gateway)s, %(month)s, %(covers_until)s, %(file_name)s, %(sha256)s, %(imported_at)s, %(imported_by)s,
    %(terms)s::jsonb, count(*), coalesce(sum(l.segments) FILTER (WHERE l.direction = 'mt' AND l.billed), 0),
    coalesce(sum(l.amount) FILTER (WHERE l.direction = 'mt'), 0),
    coalesce(sum(l.segments) FILTER (WHERE l.direction = 'mo'), 0),
    coalesce(sum(l.amount) FILTER (WHERE l.direction = 'mo'), 0), %(supersedes)s
FROM statements.lines AS l
RETURNING statement_no
