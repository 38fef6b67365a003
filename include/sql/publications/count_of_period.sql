-- How many publications tell of a period. Called by store/oversight/publications.py.
SELECT count(*) AS publications
FROM audit.publications AS p
INNER JOIN audit.closings AS c ON p.closing_no = c.closing_no
WHERE c.period = %(period)s
