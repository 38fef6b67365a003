-- Open alerts, and those that were over after a moment, the newest first. Called by store/watching/watch.py.
SELECT
    alert_id, name, subject, raised_at, facts, told_at, over_at, over_told_at, acknowledged_at, acknowledged_by
FROM motcua.alerts
WHERE over_at IS NULL OR over_at >= %(over_since)s
ORDER BY over_at DESC NULLS FIRST, raised_at DESC, alert_id DESC
LIMIT %(limit)s
