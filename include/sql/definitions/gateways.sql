-- Gateways and registered templates: what auditors may read.

-- Let auditors read gateways: when they were paused and started, and how much they sent.
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
