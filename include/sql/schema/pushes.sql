-- Dossiers and steps that one-stop software pushed (sent to the intake app). A pick-up (a reading of new rows into the
-- ledger) reads them as it reads the database of any other source.

CREATE TABLE intake.pushed_dossiers (
    dossier_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dossier_code text NOT NULL,
    client_id bigint NOT NULL REFERENCES intake.clients,
    fields jsonb NOT NULL,
    status_code smallint,
    -- A pushed status does not always count: the dossier's steps may show that it is older than the last step. The
    -- columns said_status and said_at store the pushed status and its time in any case. Both are empty in rows that
    -- were last pushed before these columns existed.
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
COMMENT ON TABLE intake.pushed_dossiers IS 'Dossiers as software last pushed them. Only the fields that plugins/motcua/domain/intake names are stored; the other fields of a push are not.';
COMMENT ON COLUMN intake.pushed_dossiers.dossier_no IS 'Our number of the dossier.';
COMMENT ON COLUMN intake.pushed_dossiers.source IS 'Name of the source to which the dossier belongs.';
COMMENT ON COLUMN intake.pushed_dossiers.agency_code IS 'The agency of the dossier.';
COMMENT ON COLUMN intake.pushed_dossiers.dossier_code IS 'Code of the dossier, as it was pushed.';
COMMENT ON COLUMN intake.pushed_dossiers.client_id IS 'The client that pushed the dossier last.';
COMMENT ON COLUMN intake.pushed_dossiers.fields IS 'The stored fields as they were pushed, by their names in the protocol of the National Public Service Portal; {}: they were emptied. Personal data.';
COMMENT ON COLUMN intake.pushed_dossiers.status_code IS 'Status of the dossier that counts: the pushed one (field TrangThaiHoSo) or that of the last step; empty: no readable status was pushed.';
COMMENT ON COLUMN intake.pushed_dossiers.said_status IS 'Status in the last push of the dossier that stated one (field TrangThaiHoSo), also if it does not count yet; empty: it could not be read, or no push stated a status.';
COMMENT ON COLUMN intake.pushed_dossiers.said_at IS 'When said_status was pushed; empty: no push stated a status since this column exists.';
COMMENT ON COLUMN intake.pushed_dossiers.supplement_at_desk IS 'Whether the push itself states that the citizen must bring a supplement to the one-stop desk.';
COMMENT ON COLUMN intake.pushed_dossiers.received_at IS 'The pushed field NgayTiepNhan, as a time.';
COMMENT ON COLUMN intake.pushed_dossiers.due_at IS 'The pushed field NgayHenTra, as a time.';
COMMENT ON COLUMN intake.pushed_dossiers.finished_at IS 'The pushed field NgayKetThucXuLy, as a time.';
COMMENT ON COLUMN intake.pushed_dossiers.returned_at IS 'The pushed field NgayTra, as a time.';
COMMENT ON COLUMN intake.pushed_dossiers.arrived_at IS 'When the dossier was first pushed.';
COMMENT ON COLUMN intake.pushed_dossiers.updated_at IS 'When a push of the dossier or of one of its steps last made it necessary that pick-ups read the row again.';
COMMENT ON COLUMN intake.pushed_dossiers.purged_at IS 'When the personal data in fields was emptied; empty: it was not.';

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
COMMENT ON TABLE intake.pushed_steps IS 'Steps of dossiers as software pushed them. A step that is pushed again is stored only once.';
COMMENT ON COLUMN intake.pushed_steps.step_no IS 'Our number of the step.';
COMMENT ON COLUMN intake.pushed_steps.source IS 'Name of the source to which the step belongs.';
COMMENT ON COLUMN intake.pushed_steps.transition_id IS 'Number of the step for pick-ups, in the order of arrival; empty: pick-ups do not read the step yet, because its dossier has not been pushed yet and nothing else shows to which agency it belongs.';
COMMENT ON COLUMN intake.pushed_steps.agency_code IS 'The agency of the dossier; empty: not known yet.';
COMMENT ON COLUMN intake.pushed_steps.dossier_code IS 'Code of the dossier, as it was pushed.';
COMMENT ON COLUMN intake.pushed_steps.client_id IS 'The client that pushed the step.';
COMMENT ON COLUMN intake.pushed_steps.fields IS 'The stored fields as they were pushed, by their names in the protocol of the National Public Service Portal; {}: they were emptied. Personal data, also of staff.';
COMMENT ON COLUMN intake.pushed_steps.status_code IS 'Status of the step as it was pushed (field TrangThai); empty: none was pushed.';
COMMENT ON COLUMN intake.pushed_steps.supplement_at_desk IS 'Whether the push itself states that the citizen must bring a supplement to the one-stop desk.';
COMMENT ON COLUMN intake.pushed_steps.is_timed IS 'Whether the pushed step states its own time.';
COMMENT ON COLUMN intake.pushed_steps.occurred_at IS 'When the step happened: the pushed field ThoiDiemXuLy as a time or, without it, the time of arrival.';
COMMENT ON COLUMN intake.pushed_steps.recorded_at IS 'When the step got its transition_id; while it has none, when it arrived.';
COMMENT ON COLUMN intake.pushed_steps.digest IS 'SHA-256 of the step''s fields, which distinguishes the step from other steps of its dossier.';
COMMENT ON COLUMN intake.pushed_steps.purged_at IS 'When the personal data in fields was emptied; empty: it was not.';

CREATE TABLE intake.recent_states (
    source text NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    digest bytea NOT NULL,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (source, agency_code, dossier_code, digest)
);
CREATE INDEX recent_states_arrived ON intake.recent_states (source, arrived_at);
COMMENT ON TABLE intake.recent_states IS 'Hashes of the dossiers that were pushed in the last two days. If a client pushes the data of a day again, the hashes show which dossiers are not new. Older rows are deleted.';
COMMENT ON COLUMN intake.recent_states.source IS 'Name of the source to which the dossier belongs.';
COMMENT ON COLUMN intake.recent_states.agency_code IS 'The agency of the dossier.';
COMMENT ON COLUMN intake.recent_states.dossier_code IS 'Code of the dossier.';
COMMENT ON COLUMN intake.recent_states.digest IS 'SHA-256 of the dossier''s fields as they were pushed.';
COMMENT ON COLUMN intake.recent_states.arrived_at IS 'When the fields were pushed.';
