-- depends: 0053_upkeep
-- What one-stop software pushes, and who may push.

CREATE SCHEMA intake;

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

CREATE TABLE intake.numbers (
    source text PRIMARY KEY,
    last_number bigint NOT NULL DEFAULT 0 CHECK (last_number >= 0)
);
COMMENT ON TABLE intake.numbers IS 'The last number that a step of a source was given. Its row is locked while a push of the source is written, so that numbers are committed in their order.';
COMMENT ON COLUMN intake.numbers.source IS 'Name of the source.';
COMMENT ON COLUMN intake.numbers.last_number IS 'The number.';

CREATE TABLE intake.pushed_dossiers (
    dossier_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dossier_code text NOT NULL,
    client_id bigint NOT NULL REFERENCES intake.clients,
    fields jsonb NOT NULL,
    status_code smallint,
    supplement_at_desk boolean NOT NULL,
    received_at timestamptz,
    due_at timestamptz,
    finished_at timestamptz,
    returned_at timestamptz,
    arrived_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    purged_at timestamptz,
    UNIQUE (source, agency_code, dossier_code)
);
CREATE INDEX pushed_dossiers_updated ON intake.pushed_dossiers (source, updated_at);
CREATE INDEX pushed_dossiers_code ON intake.pushed_dossiers (source, dossier_code);
CREATE INDEX pushed_dossiers_of_agency ON intake.pushed_dossiers (agency_code, dossier_code);
CREATE INDEX pushed_dossiers_client ON intake.pushed_dossiers (client_id);
COMMENT ON TABLE intake.pushed_dossiers IS 'Dossiers as they were pushed last: the fields that are named in plugins/motcua/domain/intake, and nothing else of a push.';
COMMENT ON COLUMN intake.pushed_dossiers.dossier_no IS 'Our number.';
COMMENT ON COLUMN intake.pushed_dossiers.source IS 'Name of the source that it is read as.';
COMMENT ON COLUMN intake.pushed_dossiers.agency_code IS 'The agency.';
COMMENT ON COLUMN intake.pushed_dossiers.dossier_code IS 'Its code, as it came.';
COMMENT ON COLUMN intake.pushed_dossiers.client_id IS 'Who pushed it last.';
COMMENT ON COLUMN intake.pushed_dossiers.fields IS 'Named fields as they came, by their names in the protocol; {}: emptied. Personal data.';
COMMENT ON COLUMN intake.pushed_dossiers.status_code IS 'Status as it came (TrangThaiHoSo); empty: none that can be read.';
COMMENT ON COLUMN intake.pushed_dossiers.supplement_at_desk IS 'Whether the push itself says that a supplement waits at the one-stop desk.';
COMMENT ON COLUMN intake.pushed_dossiers.received_at IS 'NgayTiepNhan, read.';
COMMENT ON COLUMN intake.pushed_dossiers.due_at IS 'NgayHenTra, read.';
COMMENT ON COLUMN intake.pushed_dossiers.finished_at IS 'NgayKetThucXuLy, read.';
COMMENT ON COLUMN intake.pushed_dossiers.returned_at IS 'NgayTra, read.';
COMMENT ON COLUMN intake.pushed_dossiers.arrived_at IS 'When it first came.';
COMMENT ON COLUMN intake.pushed_dossiers.updated_at IS 'When it last came with something new.';
COMMENT ON COLUMN intake.pushed_dossiers.purged_at IS 'When its fields were emptied.';

CREATE TABLE intake.pushed_steps (
    step_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    transition_id bigint,
    agency_code text REFERENCES motcua.agencies,
    dossier_code text NOT NULL,
    client_id bigint NOT NULL REFERENCES intake.clients,
    fields jsonb NOT NULL,
    status_code smallint,
    supplement_at_desk boolean NOT NULL,
    is_timed boolean NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    digest bytea NOT NULL,
    purged_at timestamptz,
    UNIQUE (source, transition_id),
    CHECK ((transition_id IS NULL) = (agency_code IS NULL))
);
CREATE INDEX pushed_steps_recorded ON intake.pushed_steps (source, recorded_at);
CREATE INDEX pushed_steps_dossier ON intake.pushed_steps (source, agency_code, dossier_code, transition_id);
CREATE INDEX pushed_steps_code ON intake.pushed_steps (source, dossier_code, digest);
CREATE INDEX pushed_steps_of_agency ON intake.pushed_steps (agency_code, dossier_code);
CREATE INDEX pushed_steps_client ON intake.pushed_steps (client_id);
COMMENT ON TABLE intake.pushed_steps IS 'Steps of dossiers as they were pushed, each once.';
COMMENT ON COLUMN intake.pushed_steps.step_no IS 'Our number.';
COMMENT ON COLUMN intake.pushed_steps.source IS 'Name of the source that it is read as.';
COMMENT ON COLUMN intake.pushed_steps.transition_id IS 'Number in the order of arrival, which pick-up reads; empty: its dossier has not come yet, and nothing else says whose it is.';
COMMENT ON COLUMN intake.pushed_steps.agency_code IS 'The agency; empty: not known yet.';
COMMENT ON COLUMN intake.pushed_steps.dossier_code IS 'Code of the dossier, as it came.';
COMMENT ON COLUMN intake.pushed_steps.client_id IS 'Who pushed it.';
COMMENT ON COLUMN intake.pushed_steps.fields IS 'Named fields as they came, by their names in the protocol; {}: emptied. Personal data, of staff too.';
COMMENT ON COLUMN intake.pushed_steps.status_code IS 'Status as it came (TrangThai); empty: none.';
COMMENT ON COLUMN intake.pushed_steps.supplement_at_desk IS 'Whether the push itself says that a supplement waits at the one-stop desk.';
COMMENT ON COLUMN intake.pushed_steps.is_timed IS 'Whether the step has a time of its own.';
COMMENT ON COLUMN intake.pushed_steps.occurred_at IS 'ThoiDiemXuLy, else the moment of arrival.';
COMMENT ON COLUMN intake.pushed_steps.recorded_at IS 'When it got its number; before that, when it came.';
COMMENT ON COLUMN intake.pushed_steps.digest IS 'Tells it from other steps of its dossier: SHA-256 of its fields.';
COMMENT ON COLUMN intake.pushed_steps.purged_at IS 'When its fields were emptied.';

CREATE TABLE intake.recent_states (
    source text NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    digest bytea NOT NULL,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (source, agency_code, dossier_code, digest)
);
CREATE INDEX recent_states_arrived ON intake.recent_states (source, arrived_at);
COMMENT ON TABLE intake.recent_states IS 'What was pushed of dossiers in the last two days, by hash: a client that sends a day again adds nothing. Older rows are deleted.';
COMMENT ON COLUMN intake.recent_states.source IS 'Name of the source.';
COMMENT ON COLUMN intake.recent_states.agency_code IS 'The agency.';
COMMENT ON COLUMN intake.recent_states.dossier_code IS 'Code of the dossier.';
COMMENT ON COLUMN intake.recent_states.digest IS 'SHA-256 of its fields as they came.';
COMMENT ON COLUMN intake.recent_states.arrived_at IS 'When they came.';

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
