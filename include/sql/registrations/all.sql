-- Which version of each template is registered at which gateway, and since when. Called by
-- store/notices/registrations.py.
SELECT
    gateway,
    template_id,
    template_version,
    provider_template_id,
    accented_provider_template_id,
    registered_at,
    registered_by,
    reason
FROM motcua.template_registrations
ORDER BY gateway, template_id, template_version
