-- Closings that a run made, in whichever of its tries, the oldest first; one that was corrected since is left out.
-- Called by store/oversight/closings.py.
SELECT c.closing_no
FROM motcua.closings AS c
WHERE c.run_id = %(run_id)s AND NOT EXISTS (SELECT 1 FROM motcua.closings AS n WHERE n.corrects = c.closing_no)
ORDER BY c.closing_no
