-- Procedures that an agency can leave out one by one: those met in its newest closings, and those whose
-- codes are given. Bounded by the closings, however many dossiers there are. Called by store/agencies.py.
WITH met AS (
    SELECT s.procedure_code
    FROM audit.closing_dossiers AS s
    WHERE
        s.agency_code = %(agency_code)s
        AND s.closing_no = any(array(
            SELECT c.closing_no
            FROM audit.closings AS c
            ORDER BY c.closing_no DESC
            LIMIT 40
        ))
    UNION
    SELECT g.code
    FROM unnest(%(also)s::text[]) AS g (code)
)

SELECT
    m.procedure_code,
    p.name
FROM met AS m
LEFT JOIN motcua.procedures AS p ON m.procedure_code = p.procedure_code
WHERE m.procedure_code <> ''
ORDER BY m.procedure_code = any(%(also)s::text[]) DESC, p.name, m.procedure_code
LIMIT %(most)s
