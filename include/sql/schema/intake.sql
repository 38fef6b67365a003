-- Who may push: accounts of one-stop software, their sessions, and what they sent that could not be used.

CREATE TABLE intake.clients (
    client_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    source text NOT NULL CHECK (source ~ '^[a-z][a-z0-9_]{0,39}$'),
    salt bytea NOT NULL CHECK (length(salt) >= 16),
    password_digest bytea NOT NULL CHECK (length(password_digest) = 32),
    networks cidr[] NOT NULL DEFAULT '{}',
    supplements_at_desk_since timestamptz,
    made_at timestamptz NOT NULL,
    disabled_at timestamptz
);
COMMENT ON TABLE intake.clients IS 'One-stop software that may push: an account for each.';
COMMENT ON COLUMN intake.clients.client_id IS 'Our number.';
COMMENT ON COLUMN intake.clients.name IS 'The name that it signs in with.';
COMMENT ON COLUMN intake.clients.source IS 'Name of the source (MOTCUA_SOURCES) that its rows are read as.';
COMMENT ON COLUMN intake.clients.salt IS 'Random; hashed with the password.';
COMMENT ON COLUMN intake.clients.password_digest IS 'SHA-256 of the salt and the SHA-256 of the password, which is random and was shown once.';
COMMENT ON COLUMN intake.clients.networks IS 'Addresses from which it may call without a session; empty: from none.';
COMMENT ON COLUMN intake.clients.supplements_at_desk_since IS 'Since when its status 5 means at the desk; empty: only where a push says so.';
COMMENT ON COLUMN intake.clients.made_at IS 'When it was registered.';
COMMENT ON COLUMN intake.clients.disabled_at IS 'Since when it may push no more; empty: it may.';

CREATE TABLE intake.client_agencies (
    client_id bigint NOT NULL REFERENCES intake.clients,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    PRIMARY KEY (client_id, agency_code)
);
CREATE INDEX client_agencies_agency ON intake.client_agencies (agency_code);
COMMENT ON TABLE intake.client_agencies IS 'The agencies that a client may write for.';
COMMENT ON COLUMN intake.client_agencies.client_id IS 'The client.';
COMMENT ON COLUMN intake.client_agencies.agency_code IS 'The agency.';

CREATE TABLE intake.client_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id bigint NOT NULL REFERENCES intake.clients,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL CHECK (btrim(changed_by) <> ''),
    change text NOT NULL CHECK (change IN ('registered', 'changed', 'password', 'disabled', 'enabled')),
    agencies text[] NOT NULL,
    networks cidr[] NOT NULL,
    supplements_at_desk boolean NOT NULL
);
CREATE INDEX client_changes_client ON intake.client_changes (client_id);
COMMENT ON TABLE intake.client_changes IS 'Who registered, changed, disabled a client or gave it a new password, and what it might do then. Append-only.';
COMMENT ON COLUMN intake.client_changes.change_id IS 'Our number.';
COMMENT ON COLUMN intake.client_changes.client_id IS 'The client.';
COMMENT ON COLUMN intake.client_changes.changed_at IS 'When.';
COMMENT ON COLUMN intake.client_changes.changed_by IS 'Who did it. Personal data of staff.';
COMMENT ON COLUMN intake.client_changes.change IS 'registered, changed (what it may do), password (a new one), disabled, enabled.';
COMMENT ON COLUMN intake.client_changes.agencies IS 'Codes of its agencies from then on.';
COMMENT ON COLUMN intake.client_changes.networks IS 'Its networks from then on.';
COMMENT ON COLUMN intake.client_changes.supplements_at_desk IS 'Whether its status 5 means at the desk from then on.';

CREATE TABLE intake.sessions (
    token_digest bytea PRIMARY KEY CHECK (length(token_digest) = 32),
    client_id bigint NOT NULL REFERENCES intake.clients,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_client ON intake.sessions (client_id, expires_at);
COMMENT ON TABLE intake.sessions IS 'Sessions of clients that signed in; old ones are deleted.';
COMMENT ON COLUMN intake.sessions.token_digest IS 'SHA-256 of the session that the client was given.';
COMMENT ON COLUMN intake.sessions.client_id IS 'The client.';
COMMENT ON COLUMN intake.sessions.expires_at IS 'When it ends.';

-- How often somebody called for a client that may call without a password, from an address that is none of its own.
CREATE TABLE intake.wrong_addresses (
    client_id bigint PRIMARY KEY REFERENCES intake.clients,
    since timestamptz NOT NULL,
    wrong integer NOT NULL CHECK (wrong > 0)
);
COMMENT ON TABLE intake.wrong_addresses IS 'Calls without a session from addresses that are none of the client''s, of the minute that the newest began: beyond some, each is answered late.';
COMMENT ON COLUMN intake.wrong_addresses.client_id IS 'The client that such a call would have been taken for.';
COMMENT ON COLUMN intake.wrong_addresses.since IS 'When the minute began.';
COMMENT ON COLUMN intake.wrong_addresses.wrong IS 'Calls since then.';

CREATE TABLE intake.numbers (
    source text PRIMARY KEY,
    last_number bigint NOT NULL DEFAULT 0 CHECK (last_number >= 0)
);
COMMENT ON TABLE intake.numbers IS 'The last number that a step of a source was given. Its row is locked while a push of the source is written, so that numbers are committed in their order.';
COMMENT ON COLUMN intake.numbers.source IS 'Name of the source.';
COMMENT ON COLUMN intake.numbers.last_number IS 'The number.';

CREATE TABLE intake.client_days (
    client_id bigint NOT NULL REFERENCES intake.clients,
    day date NOT NULL,
    service text NOT NULL,
    calls bigint NOT NULL,
    taken bigint NOT NULL,
    repeated bigint NOT NULL,
    refused bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, day, service)
);
COMMENT ON TABLE intake.client_days IS 'What each client pushed on each day of Vietnam.';
COMMENT ON COLUMN intake.client_days.client_id IS 'The client.';
COMMENT ON COLUMN intake.client_days.day IS 'The day.';
COMMENT ON COLUMN intake.client_days.service IS 'Service of the protocol.';
COMMENT ON COLUMN intake.client_days.calls IS 'Calls.';
COMMENT ON COLUMN intake.client_days.taken IS 'Records that told something new.';
COMMENT ON COLUMN intake.client_days.repeated IS 'Records that told nothing new.';
COMMENT ON COLUMN intake.client_days.refused IS 'Records that cannot be used; a call that cannot be read is one.';
COMMENT ON COLUMN intake.client_days.last_at IS 'When it last called.';

CREATE TABLE intake.client_hours (
    client_id bigint NOT NULL REFERENCES intake.clients,
    hour timestamptz NOT NULL,
    PRIMARY KEY (client_id, hour)
);
COMMENT ON TABLE intake.client_hours IS 'Hours in which a client called: what it usually does, so that its silence is seen. Those older than 60 days are deleted.';
COMMENT ON COLUMN intake.client_hours.client_id IS 'The client.';
COMMENT ON COLUMN intake.client_hours.hour IS 'When the hour began.';

CREATE TABLE intake.faults (
    client_id bigint NOT NULL REFERENCES intake.clients,
    day date NOT NULL,
    service text NOT NULL,
    fault text NOT NULL CHECK (fault ~ '^[a-z_]{1,40}$'),
    field text NOT NULL,
    records bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, day, service, fault, field)
);
COMMENT ON TABLE intake.faults IS 'What was wrong in pushes of a day, counted; no value of any.';
COMMENT ON COLUMN intake.faults.client_id IS 'The client.';
COMMENT ON COLUMN intake.faults.day IS 'Day of Vietnam.';
COMMENT ON COLUMN intake.faults.service IS 'Service of the protocol.';
COMMENT ON COLUMN intake.faults.fault IS 'What was wrong: why a record was refused, or field_unreadable, which refuses the field alone.';
COMMENT ON COLUMN intake.faults.field IS 'The field that it was wrong with; empty: with none in particular.';
COMMENT ON COLUMN intake.faults.records IS 'Records.';
COMMENT ON COLUMN intake.faults.last_at IS 'When it last came.';
