-- A gap that its journal explains in part only: what was recorded up to a moment is held until a person says what
-- became of it. Called by store/notices/gaps.py.
UPDATE motcua.gaps
SET held_until = %(moment)s
WHERE gap_no = %(gap_no)s AND closed_at IS NULL
