-- Procedures that have a name, by it, so many at most. Called by store/browsing/procedures.py.
SELECT
    p.procedure_code,
    p.name
FROM motcua.procedures AS p
WHERE p.name IS NOT NULL
ORDER BY p.name, p.procedure_code
LIMIT %(most)s
