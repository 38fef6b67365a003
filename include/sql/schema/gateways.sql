-- The gateways: what of each is stopped and why, how much was sent, and which texts its provider has registered.

CREATE TABLE motcua.gateways (
    name text PRIMARY KEY CHECK (name ~ '^[a-z0-9_]+$'),
    free_at timestamptz,
    -- What senders find the connection to say, so that the first page can show it without having the connection.
    opened_at timestamptz,
    fault text,
    carriers text[],
    segments_per_second double precision,
    segments_per_day bigint,
    unit text,
    always_accented boolean,
    reports_deliveries boolean,
    prices jsonb,
    tokens_until timestamptz,
    tokens_failed_at timestamptz,
    tokens_fault text
);
COMMENT ON TABLE motcua.gateways IS 'One row for each SMS gateway; its Airflow connection is sms_<name>.';
COMMENT ON COLUMN motcua.gateways.name IS 'Name in MOTCUA_GATEWAYS and in the connection id.';
COMMENT ON COLUMN motcua.gateways.free_at IS 'Where segments a second are limited: the next message may start then.';
COMMENT ON COLUMN motcua.gateways.opened_at IS 'Since when senders find the connection as it is described here; empty: none has opened it yet.';
COMMENT ON COLUMN motcua.gateways.fault IS 'What is wrong with its connection; empty: nothing.';
COMMENT ON COLUMN motcua.gateways.carriers IS 'Carriers at which its brandname is registered; empty: every carrier.';
COMMENT ON COLUMN motcua.gateways.segments_per_second IS 'Most segments a second, all senders together; empty: no limit.';
COMMENT ON COLUMN motcua.gateways.segments_per_day IS 'Most segments a day; empty: no limit.';
COMMENT ON COLUMN motcua.gateways.unit IS 'What it counts and bills; empty: segments.';
COMMENT ON COLUMN motcua.gateways.always_accented IS 'Texts go with accents, which cost nothing there, whatever an agency chose; empty: as it chose.';
COMMENT ON COLUMN motcua.gateways.reports_deliveries IS 'Its provider tells what became of a message; empty: it does.';
COMMENT ON COLUMN motcua.gateways.prices IS 'Đồng a unit, by carrier, "other" for those that are not named; empty: the connection names none.';
COMMENT ON COLUMN motcua.gateways.tokens_until IS 'Where it lets nobody in without tokens: until when the access token is good; empty: there is none.';
COMMENT ON COLUMN motcua.gateways.tokens_failed_at IS 'Since when they are not renewed although they are due; empty: they are.';
COMMENT ON COLUMN motcua.gateways.tokens_fault IS 'Why not, without a secret.';

CREATE TABLE motcua.gateway_days (
    gateway text NOT NULL REFERENCES motcua.gateways,
    day date NOT NULL,
    segments integer NOT NULL CHECK (segments >= 0),
    PRIMARY KEY (gateway, day)
);
COMMENT ON TABLE motcua.gateway_days IS 'Units handed to each gateway by day, counted before each call; what was surely not taken is given back.';
COMMENT ON COLUMN motcua.gateway_days.gateway IS 'The gateway.';
COMMENT ON COLUMN motcua.gateway_days.day IS 'Day, by the clock of Vietnam.';
COMMENT ON COLUMN motcua.gateway_days.segments IS 'SMS segments, or what the gateway counts instead.';

CREATE TABLE motcua.gateway_stops (
    gateway text NOT NULL REFERENCES motcua.gateways,
    concerns text NOT NULL CHECK (concerns IN ('gateway', 'carrier', 'template')),
    subject text NOT NULL,
    stopped_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    pause interval,
    reason text NOT NULL,
    by_hand boolean NOT NULL,
    expected boolean NOT NULL DEFAULT FALSE,
    PRIMARY KEY (gateway, concerns, subject),
    CHECK ((concerns = 'gateway') = (subject = ''))
);
COMMENT ON TABLE motcua.gateway_stops IS 'What is not sent through a gateway at present.';
COMMENT ON COLUMN motcua.gateway_stops.gateway IS 'The gateway.';
COMMENT ON COLUMN motcua.gateway_stops.concerns IS 'Whether all of it is stopped, one carrier, or one template.';
COMMENT ON COLUMN motcua.gateway_stops.subject IS 'The carrier or the template; empty for all.';
COMMENT ON COLUMN motcua.gateway_stops.stopped_at IS 'Since when.';
COMMENT ON COLUMN motcua.gateway_stops.until IS 'It is tried again then, with one message, unless started by hand before.';
COMMENT ON COLUMN motcua.gateway_stops.pause IS 'How long it is left alone before it is tried again, doubling each time; empty: stopped until a fixed time.';
COMMENT ON COLUMN motcua.gateway_stops.reason IS 'The answer, or its absence, that stopped it.';
COMMENT ON COLUMN motcua.gateway_stops.by_hand IS 'A person stopped it: no run is red for that alone.';
COMMENT ON COLUMN motcua.gateway_stops.expected IS 'By the gateway''s own rules, as at night or with a day''s quota used up: nothing is wrong, and it is open again at its time.';

CREATE TABLE motcua.gateway_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway text NOT NULL,
    concerns text NOT NULL,
    subject text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    change text NOT NULL CHECK (change IN ('stopped', 'started')),
    until timestamptz,
    reason text NOT NULL,
    changed_by text NOT NULL CHECK (btrim(changed_by) <> '')
);
COMMENT ON TABLE motcua.gateway_changes IS 'Every stop and start of a gateway, or of a carrier or template there, with its reason; append-only.';
COMMENT ON COLUMN motcua.gateway_changes.change_id IS 'Our number.';
COMMENT ON COLUMN motcua.gateway_changes.gateway IS 'The gateway.';
COMMENT ON COLUMN motcua.gateway_changes.concerns IS 'gateway, carrier or template.';
COMMENT ON COLUMN motcua.gateway_changes.subject IS 'The carrier or the template; empty for all.';
COMMENT ON COLUMN motcua.gateway_changes.changed_at IS 'When.';
COMMENT ON COLUMN motcua.gateway_changes.change IS 'stopped or started.';
COMMENT ON COLUMN motcua.gateway_changes.until IS 'Of a stop: until when.';
COMMENT ON COLUMN motcua.gateway_changes.reason IS 'Why.';
COMMENT ON COLUMN motcua.gateway_changes.changed_by IS 'A run, or the person who did it by hand.';

-- Which version of a text each gateway's provider has registered is the deployment's to say, with its history.
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
