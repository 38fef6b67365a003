-- Who was given which agency and who lost one, the newest first. Called by store/people.py.
SELECT changed_at, changed_by, user_name, agency_code, change
FROM motcua.user_agency_changes
ORDER BY change_id DESC
LIMIT %(limit)s
