-- Takes a complaint back, once; it stays, and counts no more; of these agencies' complaints alone, or of all.
-- Called by store/oversight/complaints.py.
UPDATE motcua.complaints
SET withdrawn_at = %(now)s, withdrawn_by = %(by)s, withdraw_reason = %(reason)s
WHERE
    complaint_id = %(complaint_id)s AND withdrawn_at IS NULL
    AND (%(agencies)s::text[] IS NULL OR agency_code = any(%(agencies)s))
RETURNING complaint_id
