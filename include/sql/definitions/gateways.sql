-- Gateways and registered templates: how the number of segments sent on a day is corrected, and what auditors may read.

-- Correct the number of segments that were sent on the day of an attempt (motcua.gateway_days). The attempt's segments
-- are subtracted when the attempt becomes failed or rejected. They are added again when the gateway turns out to have
-- accepted a failed or rejected attempt. The gateway's answer, a delivery receipt or the journal (a folder outside the
-- ledger with a line for each attempt) may show this.
CREATE OR REPLACE FUNCTION motcua.correct_gateway_day() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    UPDATE motcua.gateway_days AS d
    SET segments = greatest(
        d.segments + CASE WHEN new.state IN ('failed', 'rejected') THEN -1 ELSE 1 END * new.segments, 0
    )
    WHERE d.gateway = new.gateway AND d.day = (new.started_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.correct_gateway_day() IS 'Subtracts the segments of an attempt from gateway_days when the attempt becomes failed or rejected, and adds the segments again when the attempt leaves these states.';
CREATE OR REPLACE TRIGGER correct_gateway_day AFTER UPDATE OF state ON motcua.attempts
FOR EACH ROW
WHEN (
    new.segments IS NOT NULL
    AND (old.state IN ('failed', 'rejected')) <> (new.state IN ('failed', 'rejected'))
)
EXECUTE FUNCTION motcua.correct_gateway_day();

-- Let auditors read when each gateway was paused and started again, as a whole or in part, and how many segments were
-- sent through it on each day.
CREATE OR REPLACE VIEW audit.gateway_changes AS
SELECT change_id, gateway, concerns, subject, changed_at, change, until, reason, changed_by FROM motcua.gateway_changes;
CREATE OR REPLACE VIEW audit.gateway_days AS SELECT gateway, day, segments FROM motcua.gateway_days;

-- Let auditors read templates that providers have registered.
CREATE OR REPLACE VIEW audit.template_registrations AS
SELECT
    gateway, template_id, template_version, provider_template_id, accented_provider_template_id, registered_at,
    registered_by, reason
FROM motcua.template_registrations;
CREATE OR REPLACE VIEW audit.template_registration_changes AS
SELECT
    change_id, gateway, template_id, template_version, change, ids_before, ids_after, changed_at, changed_by, reason
FROM motcua.template_registration_changes;
