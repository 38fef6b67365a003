-- What became of a complaint, who did it and when, the newest first. Called by store/complaints.py.
SELECT changed_at, changed_by, change, before, after
FROM motcua.complaint_changes
WHERE complaint_id = %(complaint_id)s
ORDER BY change_id DESC
