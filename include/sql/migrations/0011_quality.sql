-- depends: 0010_apologies
-- Data quality: sealed runs with their results, findings with a life, and the snapshot that a run is judged on.

-- What pick-up notices is one of the facts that rules look at; a finding is what a rule makes of them.
DROP VIEW audit.findings;
ALTER TABLE motcua.findings RENAME TO cleaned_fields;
ALTER TABLE motcua.cleaned_fields RENAME COLUMN finding_id TO cleaned_field_id;
ALTER TABLE motcua.cleaned_fields ADD COLUMN last_seen_at timestamptz;
UPDATE motcua.cleaned_fields SET last_seen_at = found_at;
ALTER TABLE motcua.cleaned_fields ALTER COLUMN last_seen_at SET NOT NULL;
COMMENT ON TABLE motcua.cleaned_fields IS 'Fields of rows that pick-up had to clean, each dossier and transition once.';
COMMENT ON COLUMN motcua.cleaned_fields.found_at IS 'When it was first noticed.';
COMMENT ON COLUMN motcua.cleaned_fields.last_seen_at IS 'When it was last read so; a dossier''s row that was read clean since is newer.';
GRANT UPDATE (detail, last_seen_at) ON motcua.cleaned_fields TO motcua_app;

CREATE TABLE motcua.quality_runs (
    run_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id text NOT NULL UNIQUE CHECK (btrim(run_id) <> ''),
    as_of timestamptz NOT NULL,
    day date NOT NULL,
    working_day boolean NOT NULL,
    since date NOT NULL CHECK (since <= day),
    data_as_of timestamptz,
    rules jsonb NOT NULL,
    thresholds jsonb NOT NULL,
    software text NOT NULL,
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    findings integer NOT NULL DEFAULT 0 CHECK (findings >= 0),
    broken integer NOT NULL DEFAULT 0 CHECK (broken >= 0),
    content_hash text CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    previous_seal text CHECK (previous_seal ~ '^[0-9a-f]{64}$'),
    seal text CHECK (seal ~ '^[0-9a-f]{64}$'),
    sealed_at timestamptz,
    CHECK ((sealed_at IS NULL) = (seal IS NULL)),
    CHECK ((sealed_at IS NULL) = (content_hash IS NULL)),
    CHECK ((sealed_at IS NULL) = (previous_seal IS NULL))
);
CREATE INDEX quality_runs_day ON motcua.quality_runs (day, run_no);
-- Two runs cannot follow the same one: the chain has no forks.
CREATE UNIQUE INDEX quality_runs_chain ON motcua.quality_runs (previous_seal);
COMMENT ON TABLE motcua.quality_runs IS 'Checks of data quality, each sealed: the seal is chained to the one before; a sealed run refuses change.';
COMMENT ON COLUMN motcua.quality_runs.run_no IS 'Our number, growing.';
COMMENT ON COLUMN motcua.quality_runs.run_id IS 'DAG run, or the name of a run started by hand.';
COMMENT ON COLUMN motcua.quality_runs.as_of IS 'The moment that the rules took for now.';
COMMENT ON COLUMN motcua.quality_runs.day IS 'Its day, by the calendar of Vietnam.';
COMMENT ON COLUMN motcua.quality_runs.working_day IS 'Some agency worked that day; on other days nothing is mailed, and the next working day''s mail tells of it.';
COMMENT ON COLUMN motcua.quality_runs.since IS 'First day of the months looked at.';
COMMENT ON COLUMN motcua.quality_runs.data_as_of IS 'When the sources had last been read, the oldest of them; empty: never.';
COMMENT ON COLUMN motcua.quality_runs.rules IS 'The rules of the suite: code, severity, owner, level, and a hash of what is asked.';
COMMENT ON COLUMN motcua.quality_runs.thresholds IS 'Every threshold''s value in this run.';
COMMENT ON COLUMN motcua.quality_runs.software IS 'What gave the verdicts, with its version.';
COMMENT ON COLUMN motcua.quality_runs.dossiers IS 'Dossiers checked.';
COMMENT ON COLUMN motcua.quality_runs.findings IS 'Findings returned.';
COMMENT ON COLUMN motcua.quality_runs.broken IS 'Checks that broke.';
COMMENT ON COLUMN motcua.quality_runs.content_hash IS 'SHA-256 over thresholds, counts and row ids: the same for the same data.';
COMMENT ON COLUMN motcua.quality_runs.previous_seal IS 'Seal of the run before; 64 zeros for the first one.';
COMMENT ON COLUMN motcua.quality_runs.seal IS 'SHA-256 over previous_seal, content_hash, run_id and as_of.';
COMMENT ON COLUMN motcua.quality_runs.sealed_at IS 'When it was sealed.';

CREATE TABLE motcua.quality_results (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    rule text NOT NULL,
    status text NOT NULL CHECK (status IN ('checked', 'broken')),
    broken_reason text,
    found integer NOT NULL CHECK (found >= 0),
    rows_hash text CHECK (rows_hash ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (run_no, rule),
    CHECK ((status = 'broken') = (broken_reason IS NOT NULL)),
    CHECK ((status = 'broken') = (rows_hash IS NULL)),
    CHECK (status = 'checked' OR found = 0)
);
COMMENT ON TABLE motcua.quality_results IS 'What Great Expectations said of each rule in each run; a rule without a row was not in the suite.';
COMMENT ON COLUMN motcua.quality_results.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_results.rule IS 'Code of the rule.';
COMMENT ON COLUMN motcua.quality_results.status IS 'checked; broken: the check itself failed and says nothing of the data.';
COMMENT ON COLUMN motcua.quality_results.broken_reason IS 'Why it broke, without a value of any row.';
COMMENT ON COLUMN motcua.quality_results.found IS 'Rows returned.';
COMMENT ON COLUMN motcua.quality_results.rows_hash IS 'SHA-256 over the ids of the rows, in order.';

CREATE TABLE motcua.quality_counts (
    run_no bigint NOT NULL,
    rule text NOT NULL,
    agency_code text REFERENCES motcua.agencies,
    found integer NOT NULL CHECK (found > 0),
    acknowledged integer NOT NULL CHECK (acknowledged BETWEEN 0 AND found),
    remind_agency integer NOT NULL CHECK (remind_agency >= 0),
    remind_department integer NOT NULL CHECK (remind_department >= 0),
    FOREIGN KEY (run_no, rule) REFERENCES motcua.quality_results,
    UNIQUE NULLS NOT DISTINCT (run_no, rule, agency_code)
);
COMMENT ON TABLE motcua.quality_counts IS 'The rows returned, by agency; an agency without a row had none.';
COMMENT ON COLUMN motcua.quality_counts.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_counts.rule IS 'Code of the rule.';
COMMENT ON COLUMN motcua.quality_counts.agency_code IS 'Agency; empty: of a source, not of one agency.';
COMMENT ON COLUMN motcua.quality_counts.found IS 'Rows returned.';
COMMENT ON COLUMN motcua.quality_counts.acknowledged IS 'Of them acknowledged on the day of the run.';
COMMENT ON COLUMN motcua.quality_counts.remind_agency IS 'Of the others, past the deadline by less than the Department is told of.';
COMMENT ON COLUMN motcua.quality_counts.remind_department IS 'Of the others, longer past the deadline.';

CREATE TABLE motcua.quality_agencies (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    textable integer NOT NULL CHECK (textable BETWEEN 0 AND dossiers),
    PRIMARY KEY (run_no, agency_code)
);
COMMENT ON TABLE motcua.quality_agencies IS 'How much of each agency was checked: what rates are told against.';
COMMENT ON COLUMN motcua.quality_agencies.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_agencies.agency_code IS 'The agency, or who is in charge of its dossiers now.';
COMMENT ON COLUMN motcua.quality_agencies.dossiers IS 'Dossiers checked.';
COMMENT ON COLUMN motcua.quality_agencies.textable IS 'Of them with a number that may be texted.';

CREATE TABLE motcua.quality_shares (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dimension text NOT NULL CHECK (dimension IN ('agency', 'procedure', 'desk_user')),
    key text NOT NULL,
    month date NOT NULL CHECK (extract(DAY FROM month) = 1),
    dossiers integer NOT NULL CHECK (dossiers > 0),
    textable integer NOT NULL CHECK (textable BETWEEN 0 AND dossiers),
    previous_dossiers integer NOT NULL CHECK (previous_dossiers >= 0),
    previous_textable integer NOT NULL CHECK (previous_textable BETWEEN 0 AND previous_dossiers),
    PRIMARY KEY (run_no, agency_code, dimension, key, month),
    CHECK ((dimension = 'agency') = (key = ''))
);
COMMENT ON TABLE motcua.quality_shares IS 'Dossiers received in a month and those of them that may be texted.';
COMMENT ON COLUMN motcua.quality_shares.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_shares.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.quality_shares.dimension IS 'Of the agency, of a procedure there, or of a desk user there.';
COMMENT ON COLUMN motcua.quality_shares.key IS 'Procedure, or pseudonym of the desk user who received the dossiers; empty for the agency.';
COMMENT ON COLUMN motcua.quality_shares.month IS 'First day of the month of receipt.';
COMMENT ON COLUMN motcua.quality_shares.dossiers IS 'Dossiers received.';
COMMENT ON COLUMN motcua.quality_shares.textable IS 'Of them with a number that may be texted.';
COMMENT ON COLUMN motcua.quality_shares.previous_dossiers IS 'The same, of the month before.';
COMMENT ON COLUMN motcua.quality_shares.previous_textable IS 'The same, of the month before.';

CREATE TABLE motcua.quality_suggestions (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    kind text NOT NULL CHECK (kind IN ('hold_time', 'desk_user', 'procedure')),
    facts jsonb NOT NULL,
    PRIMARY KEY (run_no, agency_code, kind)
);
COMMENT ON TABLE motcua.quality_suggestions IS 'What the data suggest to an agency.';
COMMENT ON COLUMN motcua.quality_suggestions.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_suggestions.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.quality_suggestions.kind IS 'hold_time: hold results back for a while; desk_user, procedure: most bad phones come from one.';
COMMENT ON COLUMN motcua.quality_suggestions.facts IS 'The figures behind it.';

CREATE TABLE motcua.quality_sources (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    picked_up_at timestamptz,
    last_transition_at timestamptz,
    quarantined integer NOT NULL CHECK (quarantined >= 0),
    failing boolean NOT NULL,
    PRIMARY KEY (run_no, source_id)
);
COMMENT ON TABLE motcua.quality_sources IS 'How fresh and how whole each source was.';
COMMENT ON COLUMN motcua.quality_sources.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_sources.source_id IS 'The source.';
COMMENT ON COLUMN motcua.quality_sources.picked_up_at IS 'When it was last read.';
COMMENT ON COLUMN motcua.quality_sources.last_transition_at IS 'When it last recorded a transition.';
COMMENT ON COLUMN motcua.quality_sources.quarantined IS 'Its rows in quarantine.';
COMMENT ON COLUMN motcua.quality_sources.failing IS 'The last pick-up failed.';

CREATE TABLE motcua.findings (
    finding_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule text NOT NULL,
    subject text NOT NULL,
    level text NOT NULL CHECK (level IN ('dossier', 'agency_month', 'source')),
    agency_code text REFERENCES motcua.agencies,
    dossier_id bigint REFERENCES motcua.dossiers,
    since timestamptz,
    facts jsonb NOT NULL,
    first_run bigint NOT NULL REFERENCES motcua.quality_runs,
    UNIQUE (rule, subject),
    CHECK ((level = 'dossier') = (dossier_id IS NOT NULL)),
    CHECK (level = 'source' OR agency_code IS NOT NULL)
);
CREATE INDEX findings_dossier ON motcua.findings (dossier_id) WHERE dossier_id IS NOT NULL;
COMMENT ON TABLE motcua.findings IS 'What a rule found about one dossier, one agency''s month or one source, each once; its life is in finding_episodes.';
COMMENT ON COLUMN motcua.findings.finding_id IS 'Our number.';
COMMENT ON COLUMN motcua.findings.rule IS 'Code of the rule.';
COMMENT ON COLUMN motcua.findings.subject IS 'Row id: dossier_id; or agency, month and procedure; or source and agency.';
COMMENT ON COLUMN motcua.findings.level IS 'What it is about: dossier, agency_month or source.';
COMMENT ON COLUMN motcua.findings.agency_code IS 'Agency in charge; empty: of a source, not of one agency.';
COMMENT ON COLUMN motcua.findings.dossier_id IS 'The dossier.';
COMMENT ON COLUMN motcua.findings.since IS 'When it happened, or began, by the data.';
COMMENT ON COLUMN motcua.findings.facts IS 'Figures, days and codes for the sentence that tells of it; never a value of a personal field.';
COMMENT ON COLUMN motcua.findings.first_run IS 'Run that first saw it.';

CREATE TABLE motcua.finding_episodes (
    finding_id bigint NOT NULL REFERENCES motcua.findings,
    opened_run bigint NOT NULL REFERENCES motcua.quality_runs,
    closed_run bigint REFERENCES motcua.quality_runs,
    again boolean NOT NULL,
    deadline date,
    department_on date,
    PRIMARY KEY (finding_id, opened_run),
    CHECK (closed_run > opened_run),
    CHECK ((deadline IS NULL) = (department_on IS NULL)),
    CHECK (department_on >= deadline)
);
CREATE UNIQUE INDEX finding_episodes_open ON motcua.finding_episodes (finding_id) WHERE closed_run IS NULL;
CREATE INDEX finding_episodes_opened ON motcua.finding_episodes (opened_run);
CREATE INDEX finding_episodes_closed ON motcua.finding_episodes (closed_run) WHERE closed_run IS NOT NULL;
COMMENT ON TABLE motcua.finding_episodes IS 'The life of findings: from the run that saw it to the run that no longer did; one that comes back gets another episode.';
COMMENT ON COLUMN motcua.finding_episodes.finding_id IS 'The finding.';
COMMENT ON COLUMN motcua.finding_episodes.opened_run IS 'First run of this episode that saw it.';
COMMENT ON COLUMN motcua.finding_episodes.closed_run IS 'Run that checked its rule and did not return it; empty: it stands.';
COMMENT ON COLUMN motcua.finding_episodes.again IS 'It had been fixed before.';
COMMENT ON COLUMN motcua.finding_episodes.deadline IS 'Last day for mending it; from the next day on the agency is reminded. Empty: none.';
COMMENT ON COLUMN motcua.finding_episodes.department_on IS 'From the day after it on the Department is told.';

CREATE TABLE motcua.finding_acknowledgements (
    acknowledgement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding_id bigint NOT NULL REFERENCES motcua.findings,
    acknowledged_at timestamptz NOT NULL,
    acknowledged_by text NOT NULL CHECK (btrim(acknowledged_by) <> ''),
    why text NOT NULL CHECK (btrim(why) <> ''),
    until date NOT NULL
);
CREATE INDEX finding_acknowledgements_finding ON motcua.finding_acknowledgements (finding_id, acknowledgement_id);
COMMENT ON TABLE motcua.finding_acknowledgements IS 'Who accepts a finding for a time, and why; the last one counts; append-only. Such findings are shown and subtracted, never hidden.';
COMMENT ON COLUMN motcua.finding_acknowledgements.acknowledgement_id IS 'Our number.';
COMMENT ON COLUMN motcua.finding_acknowledgements.finding_id IS 'The finding.';
COMMENT ON COLUMN motcua.finding_acknowledgements.acknowledged_at IS 'When.';
COMMENT ON COLUMN motcua.finding_acknowledgements.acknowledged_by IS 'Who.';
COMMENT ON COLUMN motcua.finding_acknowledgements.why IS 'Why, in that person''s words.';
COMMENT ON COLUMN motcua.finding_acknowledgements.until IS 'Last day on which it holds; a day before acknowledged_at takes it back.';

-- A sealed run refuses change, also from a hand-typed statement.
CREATE FUNCTION motcua.keep_quality_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.sealed_at IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'run % is sealed: % refused', OLD.run_no, TG_OP USING ERRCODE = 'MC001';
END
$$;
CREATE TRIGGER keep_quality_run BEFORE UPDATE OR DELETE ON motcua.quality_runs
FOR EACH ROW EXECUTE FUNCTION motcua.keep_quality_run();

CREATE FUNCTION motcua.refuse_late_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM motcua.quality_runs
        WHERE run_no IN (SELECT (to_jsonb(a) ->> TG_ARGV[0])::bigint FROM added AS a) AND sealed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'the run is sealed: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'MC001';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.refuse_late_rows() IS 'A sealed run gets no further rows; the argument names the column that holds the run.';

CREATE FUNCTION motcua.refuse_late_episodes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM motcua.quality_runs
        WHERE run_no IN (SELECT opened_run FROM added) AND sealed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'the run is sealed: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'MC001';
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION motcua.keep_episodes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM changed AS c
        FULL JOIN was AS w ON c.finding_id = w.finding_id AND c.opened_run = w.opened_run
        WHERE
            c.finding_id IS NULL OR w.finding_id IS NULL OR w.closed_run IS NOT NULL OR c.closed_run IS NULL
            OR (c.again, c.deadline, c.department_on) IS DISTINCT FROM (w.again, w.deadline, w.department_on)
    ) OR EXISTS (
        SELECT 1 FROM motcua.quality_runs
        WHERE run_no IN (SELECT closed_run FROM changed) AND sealed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'an episode can only be closed, by a run that is not sealed' USING ERRCODE = 'MC001';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.finding_episodes
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_episodes();
CREATE TRIGGER keep_episodes AFTER UPDATE ON motcua.finding_episodes
REFERENCING OLD TABLE AS was NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION motcua.keep_episodes();
CREATE TRIGGER refuse_change BEFORE DELETE ON motcua.finding_episodes
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
DO $$
DECLARE
    of_run text;
BEGIN
    FOREACH of_run IN ARRAY ARRAY[
        'quality_results', 'quality_counts', 'quality_agencies', 'quality_shares', 'quality_suggestions',
        'quality_sources'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER refuse_late_rows AFTER INSERT ON motcua.%I REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows(''run_no'')', of_run
        );
        EXECUTE format(
            'CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.%I '
            'FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change()', of_run
        );
    END LOOP;
END
$$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON motcua.finding_acknowledgements
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();
-- What a finding is about never changes; the words around it may.
CREATE FUNCTION motcua.keep_finding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what finding % is about is fixed: % refused', OLD.finding_id, TG_OP USING ERRCODE = 'MC001';
END
$$;
CREATE TRIGGER keep_finding BEFORE UPDATE ON motcua.findings FOR EACH ROW
WHEN (
    (OLD.finding_id, OLD.rule, OLD.subject, OLD.level, OLD.dossier_id, OLD.first_run)
    IS DISTINCT FROM (NEW.finding_id, NEW.rule, NEW.subject, NEW.level, NEW.dossier_id, NEW.first_run)
)
EXECUTE FUNCTION motcua.keep_finding();
CREATE TRIGGER refuse_change BEFORE DELETE ON motcua.findings
FOR EACH ROW EXECUTE FUNCTION motcua.refuse_change();

-- Desk users are never named: their pseudonym needs a key that only this function reads.
CREATE TABLE motcua.pseudonym_key (
    one boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
    key bytea NOT NULL CHECK (length(key) = 32)
);
COMMENT ON TABLE motcua.pseudonym_key IS 'The secret behind the pseudonyms of desk users; read by motcua.desk_user alone.';
COMMENT ON COLUMN motcua.pseudonym_key.one IS 'There is one row.';
COMMENT ON COLUMN motcua.pseudonym_key.key IS '32 random bytes, made when the ledger was.';
INSERT INTO motcua.pseudonym_key (key)
VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
CREATE FUNCTION motcua.desk_user(agency_code text, actor text) RETURNS text
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, motcua AS $$
    SELECT 'CB-' || left(encode(
        sha256(k.key || sha256(k.key || convert_to(agency_code || chr(31) || actor, 'UTF8'))), 'hex'
    ), 8)
    FROM motcua.pseudonym_key AS k
$$;
COMMENT ON FUNCTION motcua.desk_user(text, text)
IS 'Pseudonym of a desk user at an agency: a keyed hash, the same in every run, from which nobody can tell the name.';

-- The server's own lower() may know ASCII alone.
CREATE FUNCTION motcua.owner_key(name text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN hashtextextended(
    translate(
        lower(name COLLATE "C"),
        'ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ',
        'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ'
    ), 0
);
COMMENT ON FUNCTION motcua.owner_key(text)
IS 'An owner by the name as pick-up cleaned it: names that differ only in case are one.';

-- The snapshot: one at a time, made anew by each run. After a crash of the server it is empty, and nothing is lost.
CREATE SCHEMA quality;
COMMENT ON SCHEMA quality IS 'The snapshot that a check of data quality is judged on. Holds no personal data; not read by auditors, who have the runs.';

CREATE UNLOGGED TABLE quality.days (
    calendar smallint NOT NULL,
    day date NOT NULL,
    working boolean NOT NULL,
    nth integer NOT NULL,
    previous_working_day date
);
COMMENT ON TABLE quality.days IS 'Working calendars in use: each day, whether it is worked, and how many working days there were up to it.';

CREATE UNLOGGED TABLE quality.agencies (
    agency_code text NOT NULL,
    answers text NOT NULL,
    calendar smallint NOT NULL,
    apology_day text NOT NULL,
    enabled_from timestamptz,
    today integer NOT NULL
);
COMMENT ON TABLE quality.agencies IS 'Agencies: who answers for their dossiers now, their calendar, and how many working days of it were over.';

CREATE UNLOGGED TABLE quality.desk_register (
    source_id smallint NOT NULL,
    agency_code text NOT NULL,
    dossier_code text NOT NULL,
    result_ready_at timestamptz,
    handed_over_at timestamptz
);
COMMENT ON TABLE quality.desk_register IS 'The desk''s own register, where a source offers it.';

CREATE UNLOGGED TABLE quality.register_readings (
    source_id smallint NOT NULL,
    failure text
);
COMMENT ON TABLE quality.register_readings IS 'Sources that offer a desk register, and why one could not be read.';

CREATE UNLOGGED TABLE quality.dossiers (
    dossier_id bigint NOT NULL,
    agency_code text NOT NULL,
    answers text NOT NULL,
    source_id smallint NOT NULL,
    procedure_code text NOT NULL,
    status_code smallint,
    received_at timestamptz,
    received_nth integer,
    due_at timestamptz,
    due_day date,
    due_nth integer,
    due_working boolean,
    eve date,
    finished_at timestamptz,
    returned_at timestamptz,
    updated_at timestamptz,
    textable boolean NOT NULL,
    phone_refusal text,
    phone_notes text[]
);
COMMENT ON TABLE quality.dossiers IS 'Dossiers that are looked at (not ended, or received or changed since the first of the months), with their days counted.';

CREATE UNLOGGED TABLE quality.moves (
    dossier_id bigint NOT NULL,
    last_status smallint NOT NULL,
    last_recorded_at timestamptz NOT NULL,
    last_occurred_at timestamptz NOT NULL,
    last_nth integer,
    first_actor text,
    result_at timestamptz,
    result_nth integer,
    desk_result_at timestamptz,
    collected_at timestamptz,
    collected_nth integer,
    reopened_at timestamptz,
    supplement_at timestamptz,
    supplement_nth integer,
    supplement_from timestamptz,
    result_note_at timestamptz,
    evening_at timestamptz,
    withdrawn_at timestamptz,
    withdrawal_asked boolean NOT NULL,
    paused_at timestamptz,
    skipped_at timestamptz,
    odd_hours_at timestamptz,
    day_off_at timestamptz
);
COMMENT ON TABLE quality.moves IS 'What a dossier''s transitions say, one row a dossier; nth counts working days.';

CREATE UNLOGGED TABLE quality.result_messages (
    dossier_id bigint NOT NULL,
    told boolean NOT NULL,
    outcome text NOT NULL
);
COMMENT ON TABLE quality.result_messages IS 'What became of a dossier''s result messages.';

CREATE UNLOGGED TABLE quality.edited (
    dossier_id bigint NOT NULL
);
COMMENT ON TABLE quality.edited IS 'Dossiers whose due date or procedure changed.';

CREATE UNLOGGED TABLE quality.marks (
    dossier_id bigint NOT NULL,
    due_moved_at timestamptz,
    late_moves integer,
    unexplained_moves integer,
    due_day_at_pause date,
    procedure_changed_at timestamptz,
    phone_owners integer,
    number_failed_at timestamptz,
    own_number_failed_at timestamptz,
    refiled_at timestamptz,
    refiled_nth integer,
    inquiries integer,
    last_inquiry_at timestamptz,
    complained_at timestamptz,
    cleaned_time_at timestamptz,
    cleaned text,
    register_ready_at timestamptz,
    register_handed_at timestamptz
);
COMMENT ON TABLE quality.marks IS 'What few dossiers have; several rows a dossier, each with some of the columns.';

CREATE UNLOGGED TABLE quality.dossier_facts (
    dossier_id bigint NOT NULL,
    agency_code text NOT NULL,
    status_code smallint,
    ended boolean NOT NULL,
    textable boolean NOT NULL,
    due_on_day_off boolean,
    phone_refusal text,
    phone_notes text[],
    phone_owners integer,
    number_failed_at timestamptz,
    own_number_failed_at timestamptz,
    reopened_at timestamptz,
    supplement_at timestamptz,
    supplement_days integer,
    result_note_at timestamptz,
    refiled_at timestamptz,
    refiled_days integer,
    beat_at timestamptz,
    paused_at timestamptz,
    pause_month date,
    paused_late boolean NOT NULL,
    due_moved_at timestamptz,
    due_late_moves integer,
    due_unexplained_moves integer,
    procedure_changed_at timestamptz,
    withdrawn_at timestamptz,
    withdrawal_asked boolean NOT NULL,
    inquiries integer,
    last_inquiry_at timestamptz,
    complained_at timestamptz,
    skipped_at timestamptz,
    odd_hours_at timestamptz,
    day_off_at timestamptz,
    before_receipt_at timestamptz,
    in_future_at timestamptz,
    cleaned_time_at timestamptz,
    cleaned text,
    register_offered boolean NOT NULL,
    register_ready_at timestamptz,
    register_handed_at timestamptz,
    idle_days integer,
    waiting_days integer,
    term_days integer,
    pickup_days integer,
    received_at timestamptz,
    due_at timestamptz,
    last_event_at timestamptz,
    result_at timestamptz,
    desk_result_at timestamptz,
    collected_at timestamptz,
    collected_at_once boolean NOT NULL,
    same_day boolean NOT NULL,
    told_result boolean NOT NULL,
    result_message text,
    enabled boolean NOT NULL,
    received_month date,
    result_month date,
    desk_result_month date,
    collected_month date,
    procedure_code text NOT NULL,
    source_id smallint NOT NULL
);
COMMENT ON TABLE quality.dossier_facts IS 'Everything that the rules about dossiers look at, one row a dossier.';

CREATE UNLOGGED TABLE quality.usual_waits (
    procedure_code text NOT NULL,
    collected integer NOT NULL,
    median numeric NOT NULL,
    deviation numeric NOT NULL
);
COMMENT ON TABLE quality.usual_waits IS 'How long results of a procedure wait at the desk: working days, median and median absolute deviation.';

CREATE UNLOGGED TABLE quality.actor_days (
    agency_code text NOT NULL,
    actor text NOT NULL,
    day date NOT NULL,
    changes integer NOT NULL,
    batch integer NOT NULL
);
COMMENT ON TABLE quality.actor_days IS 'Users'' days with many changes within a few minutes late in the day. Holds users'' names.';

CREATE UNLOGGED TABLE quality.agency_days (
    source_id smallint NOT NULL,
    agency_code text NOT NULL,
    day date NOT NULL,
    changes integer NOT NULL
);
COMMENT ON TABLE quality.agency_days IS 'Transitions by day.';

CREATE UNLOGGED TABLE quality.month_cells (
    agency_code text NOT NULL,
    procedure_code text NOT NULL,
    month date NOT NULL,
    received integer NOT NULL,
    textable integer NOT NULL,
    results integer NOT NULL,
    uncollected integer NOT NULL,
    collected integer NOT NULL,
    at_once integer NOT NULL,
    beats integer NOT NULL,
    pauses integer NOT NULL,
    late_pauses integer NOT NULL,
    expected integer NOT NULL,
    delivered integer NOT NULL,
    no_phone integer NOT NULL
);
COMMENT ON TABLE quality.month_cells IS 'What is counted by agency, procedure and month; several rows each, to be summed up.';

CREATE UNLOGGED TABLE quality.agency_month_facts (
    subject text NOT NULL,
    agency_code text NOT NULL,
    month date NOT NULL,
    procedure_code text,
    received integer NOT NULL,
    textable integer NOT NULL,
    previous_received integer NOT NULL,
    previous_textable integer NOT NULL,
    results integer NOT NULL,
    uncollected integer NOT NULL,
    uncollected_usual numeric,
    collected integer NOT NULL,
    at_once integer NOT NULL,
    beats integer NOT NULL,
    beats_usual numeric,
    pauses integer NOT NULL,
    late_pauses integer NOT NULL,
    late_pauses_usual numeric,
    batch_days integer NOT NULL,
    batch_users integer NOT NULL,
    batch_changes integer NOT NULL,
    expected integer NOT NULL,
    delivered integer NOT NULL,
    no_phone integer NOT NULL
);
COMMENT ON TABLE quality.agency_month_facts IS 'Everything that the rules about an agency''s month look at; procedure_code is empty for the whole agency.';

CREATE UNLOGGED TABLE quality.source_facts (
    subject text NOT NULL,
    source_id smallint NOT NULL,
    agency_code text,
    picked_up_at timestamptz,
    hours_unread numeric,
    failed_at timestamptz,
    last_transition_at timestamptz,
    silent_days integer,
    recent numeric NOT NULL,
    usual numeric NOT NULL,
    unknown_codes integer NOT NULL,
    unknown_since timestamptz,
    unusable_rows integer NOT NULL,
    unusable_since timestamptz,
    register_failure text
);
COMMENT ON TABLE quality.source_facts IS 'Everything that the rules about sources look at; agency_code is empty for the whole source.';

CREATE UNLOGGED TABLE quality.found (
    rule text NOT NULL,
    subject text NOT NULL,
    level text NOT NULL,
    agency_code text,
    since timestamptz,
    facts jsonb NOT NULL
);
COMMENT ON TABLE quality.found IS 'The rows that Great Expectations returned in this run.';

CREATE FUNCTION quality.begin_snapshot() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, quality AS $$
    TRUNCATE
        quality.days, quality.agencies, quality.desk_register, quality.register_readings, quality.dossiers, quality.moves,
        quality.result_messages, quality.edited, quality.marks, quality.dossier_facts, quality.usual_waits,
        quality.actor_days, quality.agency_days, quality.month_cells, quality.agency_month_facts, quality.source_facts, quality.found
$$;
COMMENT ON FUNCTION quality.begin_snapshot() IS 'Empties the snapshot.';
CREATE FUNCTION quality.look_at(table_name text, column_name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, quality AS $$
BEGIN
    EXECUTE format('ANALYZE quality.%I (%I)', table_name, column_name);
END
$$;
COMMENT ON FUNCTION quality.look_at(text, text) IS 'Has the planner learn how much there is in a table of the snapshot, and how varied a column is.';

GRANT USAGE ON SCHEMA quality TO motcua_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA quality TO motcua_app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA quality FROM public;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA quality TO motcua_app;
REVOKE ALL ON FUNCTION motcua.desk_user(text, text) FROM public;
GRANT EXECUTE ON FUNCTION motcua.desk_user(text, text) TO motcua_app;

GRANT SELECT, INSERT, UPDATE ON motcua.quality_runs TO motcua_app;
GRANT SELECT, INSERT ON
motcua.quality_results, motcua.quality_counts, motcua.quality_agencies, motcua.quality_shares,
motcua.quality_suggestions, motcua.quality_sources, motcua.finding_acknowledgements TO motcua_app;
GRANT SELECT, INSERT, UPDATE ON motcua.findings, motcua.finding_episodes TO motcua_app;

CREATE VIEW audit.cleaned_fields AS
SELECT cleaned_field_id, code, agency_code, dossier_id, transition_id, detail, found_at, last_seen_at
FROM motcua.cleaned_fields;
CREATE VIEW audit.quality_runs AS
SELECT
    run_no, run_id, as_of, day, working_day, since, data_as_of, rules, thresholds, software, dossiers, findings, broken,
    content_hash, previous_seal, seal, sealed_at
FROM motcua.quality_runs;
CREATE VIEW audit.quality_results AS
SELECT run_no, rule, status, broken_reason, found, rows_hash FROM motcua.quality_results;
CREATE VIEW audit.quality_counts AS
SELECT run_no, rule, agency_code, found, acknowledged, remind_agency, remind_department FROM motcua.quality_counts;
CREATE VIEW audit.quality_agencies AS
SELECT run_no, agency_code, dossiers, textable FROM motcua.quality_agencies;
CREATE VIEW audit.quality_shares AS
SELECT
    run_no, agency_code, dimension, key, month, dossiers, textable, previous_dossiers, previous_textable
FROM motcua.quality_shares;
CREATE VIEW audit.quality_suggestions AS
SELECT run_no, agency_code, kind, facts FROM motcua.quality_suggestions;
CREATE VIEW audit.quality_sources AS
SELECT run_no, source_id, picked_up_at, last_transition_at, quarantined, failing FROM motcua.quality_sources;
CREATE VIEW audit.findings AS
SELECT finding_id, rule, subject, level, agency_code, dossier_id, since, facts, first_run FROM motcua.findings;
CREATE VIEW audit.finding_episodes AS
SELECT finding_id, opened_run, closed_run, again, deadline, department_on FROM motcua.finding_episodes;
CREATE VIEW audit.finding_acknowledgements AS
SELECT acknowledgement_id, finding_id, acknowledged_at, acknowledged_by, why, until
FROM motcua.finding_acknowledgements;
GRANT SELECT ON
audit.cleaned_fields, audit.quality_runs, audit.quality_results, audit.quality_counts, audit.quality_agencies,
audit.quality_shares, audit.quality_suggestions, audit.quality_sources, audit.findings, audit.finding_episodes,
audit.finding_acknowledgements TO motcua_audit, motcua_app;
