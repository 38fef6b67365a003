-- Dossiers and steps that one-stop software pushed, from which a source is read.

CREATE TABLE intake.pushed_dossiers (
    dossier_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dossier_code text NOT NULL,
    client_id bigint NOT NULL REFERENCES intake.clients,
    fields jsonb NOT NULL,
    status_code smallint,
    -- These columns hold the status that the row itself stated, beside the status in force. A row that comes before its
    -- step is held back, and its status must be known when the step comes. They are empty in rows from before this was
    -- stored; the status in force and the time of its last change are used for such rows.
    said_status smallint,
    said_at timestamptz,
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
COMMENT ON TABLE intake.pushed_dossiers IS 'Dossiers as last pushed: the fields that plugins/motcua/domain/intake names, and nothing else of a push.';
COMMENT ON COLUMN intake.pushed_dossiers.dossier_no IS 'Our number of the dossier.';
COMMENT ON COLUMN intake.pushed_dossiers.source IS 'Name of the source as which the dossier is read.';
COMMENT ON COLUMN intake.pushed_dossiers.agency_code IS 'The agency.';
COMMENT ON COLUMN intake.pushed_dossiers.dossier_code IS 'Code of the dossier, as it came.';
COMMENT ON COLUMN intake.pushed_dossiers.client_id IS 'The client that pushed the dossier last.';
COMMENT ON COLUMN intake.pushed_dossiers.fields IS 'Named fields as they came, by their names in the protocol; {}: emptied. Personal data.';
COMMENT ON COLUMN intake.pushed_dossiers.status_code IS 'Status in force: as it came (TrangThaiHoSo), or from the last step; empty: none that can be read.';
COMMENT ON COLUMN intake.pushed_dossiers.said_status IS 'Status as it last came (TrangThaiHoSo), also if it was held back; empty: none that can be read.';
COMMENT ON COLUMN intake.pushed_dossiers.said_at IS 'When that status came; empty: no push stated one.';
COMMENT ON COLUMN intake.pushed_dossiers.supplement_at_desk IS 'Whether the push itself states that a supplement waits at the one-stop desk.';
COMMENT ON COLUMN intake.pushed_dossiers.received_at IS 'The field NgayTiepNhan as a time.';
COMMENT ON COLUMN intake.pushed_dossiers.due_at IS 'The field NgayHenTra as a time.';
COMMENT ON COLUMN intake.pushed_dossiers.finished_at IS 'The field NgayKetThucXuLy as a time.';
COMMENT ON COLUMN intake.pushed_dossiers.returned_at IS 'The field NgayTra as a time.';
COMMENT ON COLUMN intake.pushed_dossiers.arrived_at IS 'When the dossier first came.';
COMMENT ON COLUMN intake.pushed_dossiers.updated_at IS 'When the dossier last came with something new.';
COMMENT ON COLUMN intake.pushed_dossiers.purged_at IS 'When the fields were emptied.';

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
COMMENT ON COLUMN intake.pushed_steps.step_no IS 'Our number of the step.';
COMMENT ON COLUMN intake.pushed_steps.source IS 'Name of the source as which the step is read.';
COMMENT ON COLUMN intake.pushed_steps.transition_id IS 'Number in the order of arrival, which pick-ups read; empty: the dossier has not come yet, and nothing else shows which agency it belongs to.';
COMMENT ON COLUMN intake.pushed_steps.agency_code IS 'The agency; empty: not known yet.';
COMMENT ON COLUMN intake.pushed_steps.dossier_code IS 'Code of the dossier, as it came.';
COMMENT ON COLUMN intake.pushed_steps.client_id IS 'The client that pushed the step.';
COMMENT ON COLUMN intake.pushed_steps.fields IS 'Named fields as they came, by their names in the protocol; {}: emptied. Personal data, of staff too.';
COMMENT ON COLUMN intake.pushed_steps.status_code IS 'Status as it came (TrangThai); empty: none.';
COMMENT ON COLUMN intake.pushed_steps.supplement_at_desk IS 'Whether the push itself states that a supplement waits at the one-stop desk.';
COMMENT ON COLUMN intake.pushed_steps.is_timed IS 'Whether the step has a time of its own.';
COMMENT ON COLUMN intake.pushed_steps.occurred_at IS 'The field ThoiDiemXuLy as a time, or the time of arrival.';
COMMENT ON COLUMN intake.pushed_steps.recorded_at IS 'When the step got its number; before that, when it came.';
COMMENT ON COLUMN intake.pushed_steps.digest IS 'SHA-256 of the step''s fields, which distinguishes it from other steps of its dossier.';
COMMENT ON COLUMN intake.pushed_steps.purged_at IS 'When the fields were emptied.';

CREATE TABLE intake.recent_states (
    source text NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    digest bytea NOT NULL,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (source, agency_code, dossier_code, digest)
);
CREATE INDEX recent_states_arrived ON intake.recent_states (source, arrived_at);
COMMENT ON TABLE intake.recent_states IS 'Hashes of what was pushed about dossiers in the last two days, so that a client that sends a day again adds nothing. Older rows are deleted.';
COMMENT ON COLUMN intake.recent_states.source IS 'Name of the source.';
COMMENT ON COLUMN intake.recent_states.agency_code IS 'The agency.';
COMMENT ON COLUMN intake.recent_states.dossier_code IS 'Code of the dossier.';
COMMENT ON COLUMN intake.recent_states.digest IS 'SHA-256 of the dossier''s fields as they came.';
COMMENT ON COLUMN intake.recent_states.arrived_at IS 'When the fields came.';
