-- The last changes of registrations, the newest first. Called by store/notices/registrations.py.
SELECT gateway, template_id, template_version, change, ids_before, ids_after, changed_at, changed_by, reason
FROM motcua.template_registration_changes
ORDER BY change_id DESC
LIMIT %(limit)s
