-- How often each thing differs in statements. Reads audit views only. Called by store/oversight/statements.py.
SELECT m.statement_no, m.direction, m.verdict, d.what, count(*) AS matches
FROM audit.statement_matches AS m
CROSS JOIN LATERAL unnest(m.differs) AS d (what)
WHERE m.statement_no = any(%(statement_nos)s) AND m.verdict <> 'exact'
GROUP BY m.statement_no, m.direction, m.verdict, d.what
