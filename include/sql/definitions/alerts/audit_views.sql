-- What auditors may read of the watch's alerts.
CREATE OR REPLACE VIEW audit.alerts AS
SELECT
    alert_id, name, subject, raised_at, facts, told_at, over_at, over_told_at, acknowledged_at, acknowledged_by
FROM motcua.alerts;
