-- Gateways that a run stopped, with the reason. Called by store/browsing/runs.py.
SELECT
    gateway,
    subject,
    motcua.without_numbers(reason) AS reason,
    changed_at
FROM motcua.gateway_changes
WHERE changed_by = %(run_id)s AND change = 'stopped'
ORDER BY changed_at
