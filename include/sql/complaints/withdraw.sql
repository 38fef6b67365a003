-- Takes a complaint back, once; it stays, and counts no more. Called by store/oversight/complaints.py.
UPDATE motcua.complaints
SET withdrawn_at = %(now)s, withdrawn_by = %(by)s, withdraw_reason = %(reason)s
WHERE complaint_id = %(complaint_id)s AND withdrawn_at IS NULL
RETURNING complaint_id
