-- Runs of the check of data quality and their results. Each run first copies the facts that it checks into the
-- snapshot, the tables of the schema quality (include/sql/quality). At its end a run is sealed: from then on the
-- database refuses changes of its results, and a hash of the results is stored that would show a change. The tables of
-- the findings (faults that a rule found) are in findings.sql.

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
-- The seal of a run includes the seal of the run before. This index prevents two runs from following the same run, so
-- the chain of seals has no forks.
CREATE UNIQUE INDEX quality_runs_chain ON motcua.quality_runs (previous_seal);
COMMENT ON TABLE motcua.quality_runs IS 'Runs of the check of data quality. Each has a seal, a hash that includes the seal of the run before. A sealed run cannot be changed.';
COMMENT ON COLUMN motcua.quality_runs.run_no IS 'Our number of the run; a later run has a larger number.';
COMMENT ON COLUMN motcua.quality_runs.run_id IS 'Name of the DAG run in Airflow, or a name of our own for a run that was started by command.';
COMMENT ON COLUMN motcua.quality_runs.as_of IS 'The time that the rules of the run used as the present time.';
COMMENT ON COLUMN motcua.quality_runs.day IS 'The day of as_of, in Vietnam''s time zone.';
COMMENT ON COLUMN motcua.quality_runs.working_day IS 'Whether any agency worked on that day. If none did, no mail is sent, and the mail of the next working day includes the findings.';
COMMENT ON COLUMN motcua.quality_runs.since IS 'First day of the period that the run covers. It is the first of a month, and the period ends with the day in the column day.';
COMMENT ON COLUMN motcua.quality_runs.data_as_of IS 'The earliest of the times at which the sources were last read before the run; empty: no source was ever read.';
COMMENT ON COLUMN motcua.quality_runs.rules IS 'The rules of the run: for each its code, severity, owner, level, and a hash of its condition.';
COMMENT ON COLUMN motcua.quality_runs.thresholds IS 'The value of each threshold of a rule in this run.';
COMMENT ON COLUMN motcua.quality_runs.software IS 'Name and version of the software that evaluated the rules.';
COMMENT ON COLUMN motcua.quality_runs.dossiers IS 'Number of dossiers that were checked, without those of broken agencies (quality_broken_agencies).';
COMMENT ON COLUMN motcua.quality_runs.findings IS 'Number of findings of all rules together.';
COMMENT ON COLUMN motcua.quality_runs.broken IS 'Number of rules whose check failed, plus the number of agencies whose part of the snapshot was broken.';
COMMENT ON COLUMN motcua.quality_runs.content_hash IS 'SHA-256 of the run''s thresholds, counts and identifiers of rows. If the data is equal, the hash is equal.';
COMMENT ON COLUMN motcua.quality_runs.previous_seal IS 'Seal of the run before; 64 zeros for the first run.';
COMMENT ON COLUMN motcua.quality_runs.seal IS 'SHA-256 of previous_seal, content_hash, run_id and as_of.';
COMMENT ON COLUMN motcua.quality_runs.sealed_at IS 'When the run was sealed.';

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
COMMENT ON TABLE motcua.quality_results IS 'The result of each rule in each run, as Great Expectations returned it. If a rule has no row, it was not part of the run.';
COMMENT ON COLUMN motcua.quality_results.run_no IS 'Number of the run of the check (quality_runs).';
COMMENT ON COLUMN motcua.quality_results.rule IS 'Code of the rule in include/quality/rules.yaml.';
COMMENT ON COLUMN motcua.quality_results.status IS 'checked: the rule was evaluated; broken: the check of the rule failed, so nothing is known about the data.';
COMMENT ON COLUMN motcua.quality_results.broken_reason IS 'Why the check failed. Holds no value of a row.';
COMMENT ON COLUMN motcua.quality_results.found IS 'Number of rows in which the rule found a fault.';
COMMENT ON COLUMN motcua.quality_results.rows_hash IS 'SHA-256 of the identifiers of these rows, in order.';

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
COMMENT ON TABLE motcua.quality_counts IS 'In how many rows a rule found a fault, by rule and agency. An agency without a row had no such fault.';
COMMENT ON COLUMN motcua.quality_counts.run_no IS 'Number of the run of the check (quality_runs).';
COMMENT ON COLUMN motcua.quality_counts.rule IS 'Code of the rule in include/quality/rules.yaml.';
COMMENT ON COLUMN motcua.quality_counts.agency_code IS 'The agency that the rows are about; empty: the rows are about a source, not about one agency.';
COMMENT ON COLUMN motcua.quality_counts.found IS 'Number of rows in which the rule found a fault.';
COMMENT ON COLUMN motcua.quality_counts.acknowledged IS 'Number of these rows that somebody had acknowledged, so that they were accepted on the day of the run.';
COMMENT ON COLUMN motcua.quality_counts.remind_agency IS 'Number of the rows that are not acknowledged, are past the agency''s deadline, and are not yet reported to the Department of Information and Communications, which runs this system.';
COMMENT ON COLUMN motcua.quality_counts.remind_department IS 'Number of the rows that are not acknowledged and are so long past the deadline that they are reported to the Department of Information and Communications.';

CREATE TABLE motcua.quality_agencies (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    textable integer NOT NULL CHECK (textable BETWEEN 0 AND dossiers),
    PRIMARY KEY (run_no, agency_code)
);
COMMENT ON TABLE motcua.quality_agencies IS 'How many dossiers of each agency a run checked. Rates are computed with these numbers.';
COMMENT ON COLUMN motcua.quality_agencies.run_no IS 'Number of the run of the check (quality_runs).';
COMMENT ON COLUMN motcua.quality_agencies.agency_code IS 'The agency that was in charge of the dossiers at the time of the run.';
COMMENT ON COLUMN motcua.quality_agencies.dossiers IS 'Number of dossiers that were checked.';
COMMENT ON COLUMN motcua.quality_agencies.textable IS 'Number of these dossiers whose phone may be texted.';

-- Before a run evaluates its rules, it checks the snapshot itself, for example for rows that contradict each other. An
-- agency with such a fault is reported as broken and has no figures in that run. Other agencies are checked as usual.
CREATE TABLE motcua.quality_broken_agencies (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    agency_code text,
    fault text NOT NULL CHECK (fault ~ '^[a-z_]+$'),
    UNIQUE NULLS NOT DISTINCT (run_no, agency_code, fault)
);
COMMENT ON TABLE motcua.quality_broken_agencies IS 'Agencies whose part of the snapshot had a fault in a run. The run states nothing about the data of these agencies.';
COMMENT ON COLUMN motcua.quality_broken_agencies.run_no IS 'Number of the run of the check (quality_runs).';
COMMENT ON COLUMN motcua.quality_broken_agencies.agency_code IS 'The agency that the snapshot''s rows name; the ledger may not know it. Empty: the rows name no agency.';
COMMENT ON COLUMN motcua.quality_broken_agencies.fault IS 'Name of the fault in include/quality/snapshot.yaml.';

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
COMMENT ON TABLE motcua.quality_shares IS 'For each run: how many dossiers were received in a month, and how many of these have a phone number that may be texted.';
COMMENT ON COLUMN motcua.quality_shares.run_no IS 'Number of the run of the check (quality_runs).';
COMMENT ON COLUMN motcua.quality_shares.agency_code IS 'The agency that received the dossiers.';
COMMENT ON COLUMN motcua.quality_shares.dimension IS 'What the numbers are about: agency (the whole agency), procedure (one procedure there) or desk_user (one desk user there).';
COMMENT ON COLUMN motcua.quality_shares.key IS 'Code of the procedure, or pseudonym of the desk user who received the dossiers; empty if the numbers are about the whole agency.';
COMMENT ON COLUMN motcua.quality_shares.month IS 'First day of the month in which the dossiers were received.';
COMMENT ON COLUMN motcua.quality_shares.dossiers IS 'Number of dossiers received in the month.';
COMMENT ON COLUMN motcua.quality_shares.textable IS 'Number of these dossiers whose phone may be texted.';
COMMENT ON COLUMN motcua.quality_shares.previous_dossiers IS 'Number of dossiers received in the month before.';
COMMENT ON COLUMN motcua.quality_shares.previous_textable IS 'Number of the dossiers of the month before whose phone may be texted.';

CREATE TABLE motcua.quality_suggestions (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    kind text NOT NULL CHECK (kind IN ('hold_time', 'desk_user', 'procedure')),
    facts jsonb NOT NULL,
    PRIMARY KEY (run_no, agency_code, kind)
);
COMMENT ON TABLE motcua.quality_suggestions IS 'Suggestions to agencies how to improve, which a run derived from the data.';
COMMENT ON COLUMN motcua.quality_suggestions.run_no IS 'Number of the run of the check (quality_runs).';
COMMENT ON COLUMN motcua.quality_suggestions.agency_code IS 'The agency to which the suggestion is made.';
COMMENT ON COLUMN motcua.quality_suggestions.kind IS 'Kind. hold_time: hold messages about results back for longer before they are sent; desk_user or procedure: most bad phone numbers come from one desk user or from one procedure.';
COMMENT ON COLUMN motcua.quality_suggestions.facts IS 'The figures on which the suggestion is based.';

CREATE TABLE motcua.quality_sources (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    picked_up_at timestamptz,
    last_transition_at timestamptz,
    quarantined integer NOT NULL CHECK (quarantined >= 0),
    failing boolean NOT NULL,
    PRIMARY KEY (run_no, source_id)
);
COMMENT ON TABLE motcua.quality_sources IS 'For each run and source: when the source was last read before the run, and how many of its rows could not be used.';
COMMENT ON COLUMN motcua.quality_sources.run_no IS 'Number of the run of the check (quality_runs).';
COMMENT ON COLUMN motcua.quality_sources.source_id IS 'The source that the row is about.';
COMMENT ON COLUMN motcua.quality_sources.picked_up_at IS 'When the source was last read before the run.';
COMMENT ON COLUMN motcua.quality_sources.last_transition_at IS 'Time of the last transition that the source had recorded.';
COMMENT ON COLUMN motcua.quality_sources.quarantined IS 'Number of the source''s rows that were in quarantine.';
COMMENT ON COLUMN motcua.quality_sources.failing IS 'Whether the last attempt to read the source had failed.';

-- The results of a run name desk users only by pseudonyms. A pseudonym is a hash with a key that only the functions
-- motcua.desk_user and motcua.provider_id read.
CREATE TABLE motcua.pseudonym_key (
    one boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
    key bytea NOT NULL CHECK (length(key) = 32)
);
COMMENT ON TABLE motcua.pseudonym_key IS 'The secret key of the pseudonyms of desk users and of the hashes of the message identifiers that SMS providers give. Only the functions motcua.desk_user and motcua.provider_id read it.';
COMMENT ON COLUMN motcua.pseudonym_key.one IS 'Always true, so that the table can have only one row.';
COMMENT ON COLUMN motcua.pseudonym_key.key IS '32 random bytes, generated when the ledger is created.';
INSERT INTO motcua.pseudonym_key (key)
VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
