-- depends: 0024_stops_that_grow
-- Which version of a text each gateway's provider has registered is the deployment's to say, with its history. What a
-- gateway took messages of until now counts as registered there.

CREATE TABLE motcua.template_registrations (
    gateway text NOT NULL CHECK (gateway ~ '^[a-z0-9_]+$'),
    template_id text NOT NULL,
    template_version integer NOT NULL CHECK (template_version > 0),
    provider_template_id text CHECK (btrim(provider_template_id) <> ''),
    accented_provider_template_id text CHECK (btrim(accented_provider_template_id) <> ''),
    registered_at timestamptz NOT NULL,
    registered_by text NOT NULL CHECK (btrim(registered_by) <> ''),
    reason text CHECK (btrim(reason) <> ''),
    PRIMARY KEY (gateway, template_id, template_version)
);
COMMENT ON TABLE motcua.template_registrations IS 'Versions of texts that a gateway''s provider has registered; nothing is sent through it from another.';
COMMENT ON COLUMN motcua.template_registrations.gateway IS 'Name in MOTCUA_GATEWAYS.';
COMMENT ON COLUMN motcua.template_registrations.template_id IS 'The template, as in the name of its file.';
COMMENT ON COLUMN motcua.template_registrations.template_version IS 'Its version, as in the name of its file.';
COMMENT ON COLUMN motcua.template_registrations.provider_template_id IS 'The provider''s own id of the text without accents; empty where it gives none.';
COMMENT ON COLUMN motcua.template_registrations.accented_provider_template_id IS 'The provider''s own id of the accented text; empty where it gives none.';
COMMENT ON COLUMN motcua.template_registrations.registered_at IS 'When it was said so, or the ids last changed.';
COMMENT ON COLUMN motcua.template_registrations.registered_by IS 'Who said so.';
COMMENT ON COLUMN motcua.template_registrations.reason IS 'In that person''s words, for example the provider''s letter; may be empty.';

CREATE TABLE motcua.template_registration_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway text NOT NULL,
    template_id text NOT NULL,
    template_version integer NOT NULL,
    change text NOT NULL CHECK (change IN ('registered', 'changed', 'unregistered')),
    ids_before text[],
    ids_after text[],
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL CHECK (btrim(changed_by) <> ''),
    reason text CHECK (btrim(reason) <> ''),
    CHECK ((ids_before IS NULL) = (change = 'registered')),
    CHECK ((ids_after IS NULL) = (change = 'unregistered'))
);
COMMENT ON TABLE motcua.template_registration_changes IS 'Every change of template_registrations, append-only: who, when, why, before and after.';
COMMENT ON COLUMN motcua.template_registration_changes.change_id IS 'Our number.';
COMMENT ON COLUMN motcua.template_registration_changes.gateway IS 'The gateway.';
COMMENT ON COLUMN motcua.template_registration_changes.template_id IS 'The template.';
COMMENT ON COLUMN motcua.template_registration_changes.template_version IS 'Its version.';
COMMENT ON COLUMN motcua.template_registration_changes.change IS 'registered, changed (the provider''s ids) or unregistered.';
COMMENT ON COLUMN motcua.template_registration_changes.ids_before IS 'The provider''s ids before it, of the text without accents and of the accented one, each empty where it gives none; no list where it was not registered.';
COMMENT ON COLUMN motcua.template_registration_changes.ids_after IS 'The same after it.';
COMMENT ON COLUMN motcua.template_registration_changes.changed_at IS 'When.';
COMMENT ON COLUMN motcua.template_registration_changes.changed_by IS 'Who.';
COMMENT ON COLUMN motcua.template_registration_changes.reason IS 'Why, in that person''s words; may be empty.';
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.template_registration_changes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- A deployment that was sending goes on. Provider's ids are not known here: a gateway that needs them is told to.
INSERT INTO motcua.template_registrations (
    gateway, template_id, template_version, registered_at, registered_by, reason
)
SELECT DISTINCT
    a.gateway,
    m.template_id,
    m.template_version,
    now(),
    'migration',
    'its provider took messages made from it'
FROM motcua.attempts AS a
INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
WHERE a.state IN ('accepted', 'delivered') AND m.template_id IS NOT NULL;
INSERT INTO motcua.template_registration_changes (
    gateway, template_id, template_version, change, ids_after, changed_at, changed_by, reason
)
SELECT
    gateway,
    template_id,
    template_version,
    'registered',
    ARRAY[NULL, NULL]::text[],
    registered_at,
    registered_by,
    reason
FROM motcua.template_registrations
ORDER BY gateway, template_id, template_version;

CREATE VIEW audit.template_registrations AS
SELECT
    gateway, template_id, template_version, provider_template_id, accented_provider_template_id, registered_at,
    registered_by, reason
FROM motcua.template_registrations;
CREATE VIEW audit.template_registration_changes AS
SELECT
    change_id, gateway, template_id, template_version, change, ids_before, ids_after, changed_at, changed_by, reason
FROM motcua.template_registration_changes;
GRANT SELECT ON audit.template_registrations, audit.template_registration_changes TO motcua_audit, motcua_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON motcua.template_registrations TO motcua_app;
GRANT SELECT, INSERT ON motcua.template_registration_changes TO motcua_app;

COMMENT ON COLUMN motcua.agencies.retention IS 'Numbers, names and words are to be kept this long after a dossier''s end. Nothing is purged yet.';
