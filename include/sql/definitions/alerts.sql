-- Alerts about faults of the system: which columns of an alert never change, and what auditors may read.

-- Refuse an update that changes the name, subject or start of an alert, or the end of an alert that has ended
-- (motcua.alerts).
CREATE OR REPLACE FUNCTION motcua.keep_alert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF
        (OLD.name, OLD.subject, OLD.raised_at) IS DISTINCT FROM (NEW.name, NEW.subject, NEW.raised_at)
        OR (OLD.over_at IS NOT NULL AND OLD.over_at IS DISTINCT FROM NEW.over_at)
    THEN
        RAISE EXCEPTION 'alert % is kept: % refused', OLD.alert_id, TG_OP USING ERRCODE = 'MC001';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER keep_alert BEFORE UPDATE ON motcua.alerts
FOR EACH ROW EXECUTE FUNCTION motcua.keep_alert();

-- Let auditors read the alerts.
CREATE OR REPLACE VIEW audit.alerts AS
SELECT
    alert_id, name, subject, raised_at, facts, told_at, over_at, over_told_at, acknowledged_at, acknowledged_by
FROM motcua.alerts;
