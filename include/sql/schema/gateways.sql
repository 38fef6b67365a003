-- Gateways: their pauses with the reasons, the number of units that was sent through them on each day, and the
-- templates that their providers have registered.

CREATE TABLE motcua.gateways (
    name text PRIMARY KEY CHECK (name ~ '^[a-z0-9_]+$'),
    free_at timestamptz,
    -- Senders write the following columns when they read the gateway's Airflow connection. Pages show these columns,
    -- because pages cannot read the connection.
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
COMMENT ON TABLE motcua.gateways IS 'One row for each gateway; its Airflow connection is sms_<name>.';
COMMENT ON COLUMN motcua.gateways.name IS 'Name in the setting MOTCUA_GATEWAYS and in the identifier of the connection.';
COMMENT ON COLUMN motcua.gateways.free_at IS 'Earliest time at which the next message may be sent, if segments_per_second is set.';
COMMENT ON COLUMN motcua.gateways.opened_at IS 'Since when senders find the connection as described in this row; empty: no sender has opened it yet.';
COMMENT ON COLUMN motcua.gateways.fault IS 'Fault of the connection; empty: none.';
COMMENT ON COLUMN motcua.gateways.carriers IS 'Carriers at which the brandname is registered; empty: every carrier.';
COMMENT ON COLUMN motcua.gateways.segments_per_second IS 'Limit of segments for each second, for all senders together; empty: no limit.';
COMMENT ON COLUMN motcua.gateways.segments_per_day IS 'Limit of segments for each day; empty: no limit.';
COMMENT ON COLUMN motcua.gateways.unit IS 'Unit that the gateway counts and bills: segment or message; empty: segment.';
COMMENT ON COLUMN motcua.gateways.always_accented IS 'Whether texts are always sent with accents, which cost nothing at this gateway; empty: as the agency chose.';
COMMENT ON COLUMN motcua.gateways.reports_deliveries IS 'Whether the provider sends delivery receipts; empty: it does.';
COMMENT ON COLUMN motcua.gateways.prices IS 'Price of a unit in đồng, by carrier; "other" is the price for carriers that are not named. Empty: the gateway''s Airflow connection states no price.';
COMMENT ON COLUMN motcua.gateways.tokens_until IS 'Until when the access token is valid, if the gateway requires tokens; empty: there is none.';
COMMENT ON COLUMN motcua.gateways.tokens_failed_at IS 'Since when renewing the tokens has failed although they are due; empty: it has not failed.';
COMMENT ON COLUMN motcua.gateways.tokens_fault IS 'Why the tokens could not be renewed, without a secret.';

CREATE TABLE motcua.gateway_days (
    gateway text NOT NULL REFERENCES motcua.gateways,
    day date NOT NULL,
    segments integer NOT NULL CHECK (segments >= 0),
    PRIMARY KEY (gateway, day)
);
COMMENT ON TABLE motcua.gateway_days IS 'Units handed to each gateway by day, counted before each call. Units that the gateway certainly did not accept are subtracted again.';
COMMENT ON COLUMN motcua.gateway_days.gateway IS 'The gateway to which the units were handed.';
COMMENT ON COLUMN motcua.gateway_days.day IS 'The day of the handover, in Vietnam''s time zone.';
COMMENT ON COLUMN motcua.gateway_days.segments IS 'Number of SMS segments handed over on that day, or of the units that the gateway counts instead.';

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
COMMENT ON TABLE motcua.gateway_stops IS 'Present pauses: of a gateway, or of a carrier or a template at a gateway.';
COMMENT ON COLUMN motcua.gateway_stops.gateway IS 'The gateway that is paused, as a whole or in part.';
COMMENT ON COLUMN motcua.gateway_stops.concerns IS 'What is paused: gateway (the whole gateway), carrier (one carrier there) or template (one template there).';
COMMENT ON COLUMN motcua.gateway_stops.subject IS 'The carrier or the template; empty if the whole gateway is paused.';
COMMENT ON COLUMN motcua.gateway_stops.stopped_at IS 'When the pause began.';
COMMENT ON COLUMN motcua.gateway_stops.until IS 'When the gateway is tried again with one message, unless a person ends the pause earlier.';
COMMENT ON COLUMN motcua.gateway_stops.pause IS 'Length of the pause before the next trial, doubled each time; empty: the pause lasts until a fixed time.';
COMMENT ON COLUMN motcua.gateway_stops.reason IS 'What caused the pause: the gateway''s answer, the lack of one, a limit, or the reason that a person gave.';
COMMENT ON COLUMN motcua.gateway_stops.by_hand IS 'Whether a person paused the gateway. No run fails only because of such a pause.';
COMMENT ON COLUMN motcua.gateway_stops.expected IS 'Whether the gateway''s own rules caused the pause, for example at night or after a day''s quota. An expected pause is no fault, and it ends by itself at the time in the column until.';

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
COMMENT ON TABLE motcua.gateway_changes IS 'Every beginning and end of a pause of a gateway, carrier or template, with its reason; append-only.';
COMMENT ON COLUMN motcua.gateway_changes.change_id IS 'Our number of the change.';
COMMENT ON COLUMN motcua.gateway_changes.gateway IS 'The gateway that was paused or started, as a whole or in part.';
COMMENT ON COLUMN motcua.gateway_changes.concerns IS 'What was paused or started: gateway (the whole gateway), carrier or template.';
COMMENT ON COLUMN motcua.gateway_changes.subject IS 'The carrier or the template; empty for the whole gateway.';
COMMENT ON COLUMN motcua.gateway_changes.changed_at IS 'When the pause began or ended.';
COMMENT ON COLUMN motcua.gateway_changes.change IS 'Change: stopped (a pause began) or started (a pause ended).';
COMMENT ON COLUMN motcua.gateway_changes.until IS 'Until when the pause lasts, if a pause began.';
COMMENT ON COLUMN motcua.gateway_changes.reason IS 'Why the pause began or ended.';
COMMENT ON COLUMN motcua.gateway_changes.changed_by IS 'A run, or the person who made the change by hand.';

-- A text may be sent only after the provider has registered its template. Each installation enters which version of a
-- template the provider of a gateway has registered. Every change is stored.
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
COMMENT ON TABLE motcua.template_registrations IS 'Versions of templates that a gateway''s provider has registered. No other version is sent through that gateway.';
COMMENT ON COLUMN motcua.template_registrations.gateway IS 'Name of the gateway in the setting MOTCUA_GATEWAYS.';
COMMENT ON COLUMN motcua.template_registrations.template_id IS 'The template, as in the name of its file.';
COMMENT ON COLUMN motcua.template_registrations.template_version IS 'Version of the template, as in the name of its file.';
COMMENT ON COLUMN motcua.template_registrations.provider_template_id IS 'The provider''s own identifier of the text without accents; empty: the provider gives none.';
COMMENT ON COLUMN motcua.template_registrations.accented_provider_template_id IS 'The provider''s own identifier of the text with accents; empty: the provider gives none.';
COMMENT ON COLUMN motcua.template_registrations.registered_at IS 'When the registration was entered, or its identifiers last changed.';
COMMENT ON COLUMN motcua.template_registrations.registered_by IS 'Person who entered the registration.';
COMMENT ON COLUMN motcua.template_registrations.reason IS 'Reason of the person who entered the registration, for example the provider''s letter; may be empty.';

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
COMMENT ON COLUMN motcua.template_registration_changes.change_id IS 'Our number of the change.';
COMMENT ON COLUMN motcua.template_registration_changes.gateway IS 'The gateway whose registrations changed.';
COMMENT ON COLUMN motcua.template_registration_changes.template_id IS 'The template that the change is about.';
COMMENT ON COLUMN motcua.template_registration_changes.template_version IS 'Version of the template that the change is about.';
COMMENT ON COLUMN motcua.template_registration_changes.change IS 'Change: registered, changed (the provider''s identifiers) or unregistered.';
COMMENT ON COLUMN motcua.template_registration_changes.ids_before IS 'The provider''s two identifiers before the change: of the text without accents, then of the text with accents. Each is empty if the provider gives none; no list: the version was not registered.';
COMMENT ON COLUMN motcua.template_registration_changes.ids_after IS 'The provider''s two identifiers after the change, in the same form.';
COMMENT ON COLUMN motcua.template_registration_changes.changed_at IS 'When the registration was changed.';
COMMENT ON COLUMN motcua.template_registration_changes.changed_by IS 'Person who made the change.';
COMMENT ON COLUMN motcua.template_registration_changes.reason IS 'Reason of the person who made the change; may be empty.';
