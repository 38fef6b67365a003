-- Closings that no publication tells of, the oldest first; a closing that was corrected before is left out.
-- Called by store/oversight/closings.py.
SELECT c.closing_no
FROM motcua.closings AS c
WHERE
    NOT EXISTS (SELECT 1 FROM motcua.publications AS p WHERE p.closing_no = c.closing_no)
    AND NOT EXISTS (SELECT 1 FROM motcua.closings AS n WHERE n.corrects = c.closing_no)
ORDER BY c.closing_no
