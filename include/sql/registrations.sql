-- Store which versions of a template are registered at a gateway. Called by store/notices/registrations.py.

-- name: all
-- Return which template versions are registered at each gateway, and since when (motcua.template_registrations).
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
ORDER BY gateway, template_id, template_version;

-- name: save
-- Insert or update registrations of templates (motcua.template_registrations), log each change in
-- template_registration_changes, and return the changes. A provider's template id that is not given stays as it was. A
-- registration that is equal to the stored one changes nothing.
WITH wanted AS (
    SELECT r.gateway, r.template_id, r.template_version, r.provider_template_id, r.accented_provider_template_id
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
        gateway text,
        template_id text,
        template_version smallint,
        provider_template_id text,
        accented_provider_template_id text
    )
),

known AS (
    SELECT
        t.gateway,
        t.template_id,
        t.template_version,
        ARRAY[t.provider_template_id, t.accented_provider_template_id] AS ids
    FROM motcua.template_registrations AS t
    INNER JOIN wanted AS w
        ON t.gateway = w.gateway AND t.template_id = w.template_id AND t.template_version = w.template_version
),

saved AS (
    INSERT INTO motcua.template_registrations AS t (
        gateway, template_id, template_version, provider_template_id, accented_provider_template_id, registered_at,
        registered_by, reason
    )
    SELECT
        w.gateway,
        w.template_id,
        w.template_version,
        w.provider_template_id,
        w.accented_provider_template_id,
        %(now)s,
        %(changed_by)s,
        %(reason)s
    FROM wanted AS w
    ON CONFLICT (gateway, template_id, template_version) DO UPDATE
        SET
            provider_template_id = coalesce(excluded.provider_template_id, t.provider_template_id),
            accented_provider_template_id = coalesce(
                excluded.accented_provider_template_id, t.accented_provider_template_id
            ),
            registered_at = excluded.registered_at,
            registered_by = excluded.registered_by,
            reason = excluded.reason
        WHERE
        excluded.provider_template_id <> coalesce(t.provider_template_id, '')
        OR excluded.accented_provider_template_id <> coalesce(t.accented_provider_template_id, '')
    RETURNING
        t.gateway,
        t.template_id,
        t.template_version,
        ARRAY[t.provider_template_id, t.accented_provider_template_id] AS ids
)

INSERT INTO motcua.template_registration_changes (
    gateway, template_id, template_version, change, ids_before, ids_after, changed_at, changed_by, reason
)
SELECT
    s.gateway,
    s.template_id,
    s.template_version,
    CASE WHEN k.ids IS NULL THEN 'registered' ELSE 'changed' END,
    k.ids,
    s.ids,
    %(now)s,
    %(changed_by)s,
    %(reason)s
FROM saved AS s
LEFT JOIN known AS k
    ON s.gateway = k.gateway AND s.template_id = k.template_id AND s.template_version = k.template_version
ORDER BY s.gateway, s.template_id, s.template_version
RETURNING gateway, template_id, template_version, change;

-- name: remove
-- Delete a registration and log that in template_registration_changes (motcua.template_registrations).
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
FROM removed;

-- name: changes
-- Return the last changes of registrations, the newest first (motcua.template_registration_changes).
SELECT gateway, template_id, template_version, change, ids_before, ids_after, changed_at, changed_by, reason
FROM motcua.template_registration_changes
ORDER BY change_id DESC
LIMIT %(limit)s;
