-- The last changes of the gateways, the newest first. Called by store/notices/gateways.py.
SELECT gateway, subject, changed_at, change, until, reason, changed_by
FROM motcua.gateway_changes
ORDER BY change_id DESC
LIMIT %(limit)s
