-- What auditors may read of texts that gateways' providers have registered.
CREATE OR REPLACE VIEW audit.template_registrations AS
SELECT
    gateway, template_id, template_version, provider_template_id, accented_provider_template_id, registered_at,
    registered_by, reason
FROM motcua.template_registrations;
CREATE OR REPLACE VIEW audit.template_registration_changes AS
SELECT
    change_id, gateway, template_id, template_version, change, ids_before, ids_after, changed_at, changed_by, reason
FROM motcua.template_registration_changes;
