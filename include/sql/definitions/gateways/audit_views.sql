-- What auditors may read of gateways: when they were stopped or started, and how much went through them.
CREATE OR REPLACE VIEW audit.gateway_changes AS
SELECT change_id, gateway, concerns, subject, changed_at, change, until, reason, changed_by FROM motcua.gateway_changes;
CREATE OR REPLACE VIEW audit.gateway_days AS SELECT gateway, day, segments FROM motcua.gateway_days;
