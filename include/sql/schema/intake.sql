-- Clients: the accounts with which one-stop software pushes data. The tables store the clients with their agencies and
-- sessions, how often they called, and the faults in the data that they pushed.

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
COMMENT ON TABLE intake.clients IS 'One-stop software that may push data, one account each.';
COMMENT ON COLUMN intake.clients.client_id IS 'Our number of the client.';
COMMENT ON COLUMN intake.clients.name IS 'Name with which the client signs in.';
COMMENT ON COLUMN intake.clients.source IS 'Name of the source (setting MOTCUA_SOURCES) under which the client''s rows are read.';
COMMENT ON COLUMN intake.clients.salt IS 'Random bytes that are hashed with the password.';
COMMENT ON COLUMN intake.clients.password_digest IS 'SHA-256 of the salt and the SHA-256 of the password. The password is random and was shown once.';
COMMENT ON COLUMN intake.clients.networks IS 'Networks from which the client may call without a password; empty: none.';
COMMENT ON COLUMN intake.clients.supplements_at_desk_since IS 'Since when status 5 (supplement needed) of the client always means that the citizen must come to the one-stop desk; empty: only if the push says so.';
COMMENT ON COLUMN intake.clients.made_at IS 'When the client was registered.';
COMMENT ON COLUMN intake.clients.disabled_at IS 'Since when the client may not push; empty: it may.';

CREATE TABLE intake.client_agencies (
    client_id bigint NOT NULL REFERENCES intake.clients,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    PRIMARY KEY (client_id, agency_code)
);
CREATE INDEX client_agencies_agency ON intake.client_agencies (agency_code);
COMMENT ON TABLE intake.client_agencies IS 'The agencies that a client may write for.';
COMMENT ON COLUMN intake.client_agencies.client_id IS 'The client that may write for the agency.';
COMMENT ON COLUMN intake.client_agencies.agency_code IS 'The agency that the client may write for.';

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
COMMENT ON TABLE intake.client_changes IS 'Changes of clients, append-only: what was changed, and what the client may do from then on.';
COMMENT ON COLUMN intake.client_changes.change_id IS 'Our number of the change.';
COMMENT ON COLUMN intake.client_changes.client_id IS 'The client that was changed.';
COMMENT ON COLUMN intake.client_changes.changed_at IS 'When the client was changed.';
COMMENT ON COLUMN intake.client_changes.changed_by IS 'Person who made the change. Personal data of staff.';
COMMENT ON COLUMN intake.client_changes.change IS 'Change: registered, changed (what the client may do), password (a new one), disabled or enabled.';
COMMENT ON COLUMN intake.client_changes.agencies IS 'Codes of the client''s agencies after the change.';
COMMENT ON COLUMN intake.client_changes.networks IS 'Networks of the client after the change, as in clients.networks.';
COMMENT ON COLUMN intake.client_changes.supplements_at_desk IS 'Whether, after the change, status 5 (supplement needed) of the client always means that the citizen must come to the one-stop desk.';

CREATE TABLE intake.sessions (
    token_digest bytea PRIMARY KEY CHECK (length(token_digest) = 32),
    client_id bigint NOT NULL REFERENCES intake.clients,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_client ON intake.sessions (client_id, expires_at);
COMMENT ON TABLE intake.sessions IS 'Sessions of clients that signed in. Expired sessions are deleted.';
COMMENT ON COLUMN intake.sessions.token_digest IS 'SHA-256 of the session''s token, which the client has.';
COMMENT ON COLUMN intake.sessions.client_id IS 'The client that signed in.';
COMMENT ON COLUMN intake.sessions.expires_at IS 'When the session expires.';

CREATE TABLE intake.wrong_addresses (
    client_id bigint PRIMARY KEY REFERENCES intake.clients,
    since timestamptz NOT NULL,
    wrong integer NOT NULL CHECK (wrong > 0)
);
COMMENT ON TABLE intake.wrong_addresses IS 'Wrong calls for a client: calls without a password from addresses outside the client''s networks. They are counted in the minute that begins with such a call. From the 61st wrong call of a minute on, each is answered late.';
COMMENT ON COLUMN intake.wrong_addresses.client_id IS 'The client for which the wrong calls were made.';
COMMENT ON COLUMN intake.wrong_addresses.since IS 'When the minute in which the wrong calls are counted began.';
COMMENT ON COLUMN intake.wrong_addresses.wrong IS 'Number of wrong calls in that minute.';

CREATE TABLE intake.numbers (
    source text PRIMARY KEY,
    last_number bigint NOT NULL DEFAULT 0 CHECK (last_number >= 0)
);
COMMENT ON TABLE intake.numbers IS 'The last number that the ledger gave to a pushed step (a change of a dossier''s step or status) of a source. The row is locked while a push or an export of the source is written, so that numbers are committed in their order.';
COMMENT ON COLUMN intake.numbers.source IS 'Name of the source whose steps are numbered.';
COMMENT ON COLUMN intake.numbers.last_number IS 'The last number that a step of the source got.';

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
COMMENT ON TABLE intake.client_days IS 'Numbers of records that each client pushed on each day, in Vietnam''s time zone.';
COMMENT ON COLUMN intake.client_days.client_id IS 'The client that pushed the records.';
COMMENT ON COLUMN intake.client_days.day IS 'The day of the pushes, in Vietnam''s time zone.';
COMMENT ON COLUMN intake.client_days.service IS 'Service of the push protocol that the client called.';
COMMENT ON COLUMN intake.client_days.calls IS 'Number of calls of the service on that day.';
COMMENT ON COLUMN intake.client_days.taken IS 'Number of records with something new.';
COMMENT ON COLUMN intake.client_days.repeated IS 'Number of records with nothing new.';
COMMENT ON COLUMN intake.client_days.refused IS 'Number of records that cannot be used. A call that cannot be read counts as one.';
COMMENT ON COLUMN intake.client_days.last_at IS 'When the client last called the service on that day.';

CREATE TABLE intake.client_hours (
    client_id bigint NOT NULL REFERENCES intake.clients,
    hour timestamptz NOT NULL,
    PRIMARY KEY (client_id, hour)
);
COMMENT ON TABLE intake.client_hours IS 'Hours in which a client called. They show at which hours calls are usual, so that a missing call is noticed. Hours older than 60 days are deleted.';
COMMENT ON COLUMN intake.client_hours.client_id IS 'The client that called in this hour.';
COMMENT ON COLUMN intake.client_hours.hour IS 'When the hour of the calls began.';

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
COMMENT ON TABLE intake.faults IS 'Faults in the pushes of a day, as counts, without the faulty values.';
COMMENT ON COLUMN intake.faults.client_id IS 'The client in whose pushes the fault occurred.';
COMMENT ON COLUMN intake.faults.day IS 'The day of the pushes, in Vietnam''s time zone.';
COMMENT ON COLUMN intake.faults.service IS 'Service of the push protocol that the client called.';
COMMENT ON COLUMN intake.faults.fault IS 'Fault: why a record was refused, or field_unreadable, for which only the field is refused.';
COMMENT ON COLUMN intake.faults.field IS 'The faulty field; empty: no single field.';
COMMENT ON COLUMN intake.faults.records IS 'Number of records with this fault.';
COMMENT ON COLUMN intake.faults.last_at IS 'When the fault last occurred.';
