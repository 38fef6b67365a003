-- Takes a registration away and keeps the change. Called by store/notices/registrations.py.
WITH removed AS (
    DELETE FROM motcua.template_registrations
    WHERE
        gateway = %(gateway)s
        AND template_id = %(template_id)s
        AND template_version = %(template_version)s
    RETURNING
        gateway,
        template_id,
        template_version,
        ARRAY[provider_template_id, accented_provider_template_id] AS ids
)

INSERT INTO motcua.template_registration_changes (
    gateway, template_id, template_version, change, ids_before, changed_at, changed_by, reason
)
SELECT
    gateway,
    template_id,
    template_version,
    'unregistered',
    ids,
    %(now)s,
    %(changed_by)s,
    %(reason)s
FROM removed
