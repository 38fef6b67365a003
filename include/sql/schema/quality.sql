-- Sealed runs of the check of data quality with their results. Each check makes the snapshot on which its run is judged
-- (include/sql/quality). findings.sql has the findings and their episodes.

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
-- Two runs cannot follow the same run, so the chain has no forks.
CREATE UNIQUE INDEX quality_runs_chain ON motcua.quality_runs (previous_seal);
COMMENT ON TABLE motcua.quality_runs IS 'Checks of data quality, each with a seal that is chained to the previous seal. A sealed run cannot be changed.';
COMMENT ON COLUMN motcua.quality_runs.run_no IS 'Our number of the run, growing.';
COMMENT ON COLUMN motcua.quality_runs.run_id IS 'Name of the DAG run, or of a run that was started by hand.';
COMMENT ON COLUMN motcua.quality_runs.as_of IS 'The time that the rules used as the present.';
COMMENT ON COLUMN motcua.quality_runs.day IS 'The day of as_of, in Vietnam''s time zone.';
COMMENT ON COLUMN motcua.quality_runs.working_day IS 'Whether any agency worked that day. On other days nothing is mailed, and the next working day''s mail includes the findings.';
COMMENT ON COLUMN motcua.quality_runs.since IS 'First day of the months that the run covers.';
COMMENT ON COLUMN motcua.quality_runs.data_as_of IS 'The oldest time at which one of the sources was last read; empty: never.';
COMMENT ON COLUMN motcua.quality_runs.rules IS 'The rules of the run: code, severity, owner, level, and a hash of the question.';
COMMENT ON COLUMN motcua.quality_runs.thresholds IS 'Every threshold''s value in this run.';
COMMENT ON COLUMN motcua.quality_runs.software IS 'Software that judged the rules, with its version.';
COMMENT ON COLUMN motcua.quality_runs.dossiers IS 'Number of dossiers checked, without those of broken agencies.';
COMMENT ON COLUMN motcua.quality_runs.findings IS 'Number of findings returned.';
COMMENT ON COLUMN motcua.quality_runs.broken IS 'Checks that failed, and agencies whose part of the snapshot was broken.';
COMMENT ON COLUMN motcua.quality_runs.content_hash IS 'SHA-256 of thresholds, counts and identifiers of rows. Equal data gives an equal hash.';
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
COMMENT ON TABLE motcua.quality_results IS 'The result of each rule in each run, from Great Expectations. A rule without a row was not part of the run.';
COMMENT ON COLUMN motcua.quality_results.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_results.rule IS 'Code of the rule.';
COMMENT ON COLUMN motcua.quality_results.status IS 'Status: checked; broken: the check itself failed and states nothing about the data.';
COMMENT ON COLUMN motcua.quality_results.broken_reason IS 'Why the check failed, without any value of a row.';
COMMENT ON COLUMN motcua.quality_results.found IS 'Number of rows returned.';
COMMENT ON COLUMN motcua.quality_results.rows_hash IS 'SHA-256 of the identifiers of the rows, in order.';

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
COMMENT ON TABLE motcua.quality_counts IS 'The number of rows returned, by rule and agency. An agency without a row had none.';
COMMENT ON COLUMN motcua.quality_counts.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_counts.rule IS 'Code of the rule.';
COMMENT ON COLUMN motcua.quality_counts.agency_code IS 'Agency; empty: the rows are about a source, not about one agency.';
COMMENT ON COLUMN motcua.quality_counts.found IS 'Number of rows returned.';
COMMENT ON COLUMN motcua.quality_counts.acknowledged IS 'Rows in found that were acknowledged on the day of the run.';
COMMENT ON COLUMN motcua.quality_counts.remind_agency IS 'Other rows in found, past the agency''s deadline, about which the Department is not informed yet.';
COMMENT ON COLUMN motcua.quality_counts.remind_department IS 'Other rows in found that are so long past the deadline that the Department is informed.';

CREATE TABLE motcua.quality_agencies (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    agency_code text NOT NULL REFERENCES motcua.agencies,
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    textable integer NOT NULL CHECK (textable BETWEEN 0 AND dossiers),
    PRIMARY KEY (run_no, agency_code)
);
COMMENT ON TABLE motcua.quality_agencies IS 'How many dossiers of each agency were checked, from which rates are computed.';
COMMENT ON COLUMN motcua.quality_agencies.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_agencies.agency_code IS 'The agency that is in charge of the dossiers now.';
COMMENT ON COLUMN motcua.quality_agencies.dossiers IS 'Number of dossiers checked.';
COMMENT ON COLUMN motcua.quality_agencies.textable IS 'Number of these dossiers whose phone may be texted.';

-- The snapshot of a check is judged before any rule. An agency whose part of the snapshot is broken is reported as
-- broken and has no figures in that run. Other agencies are checked as usual.
CREATE TABLE motcua.quality_broken_agencies (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    agency_code text,
    fault text NOT NULL CHECK (fault ~ '^[a-z_]+$'),
    UNIQUE NULLS NOT DISTINCT (run_no, agency_code, fault)
);
COMMENT ON TABLE motcua.quality_broken_agencies IS 'Agencies whose part of the snapshot was broken in a run. The run states nothing about them, neither good nor bad.';
COMMENT ON COLUMN motcua.quality_broken_agencies.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_broken_agencies.agency_code IS 'The agency as the snapshot names it, which the ledger may not know; empty: rows without an agency.';
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
COMMENT ON TABLE motcua.quality_shares IS 'Dossiers received in a month, and how many of these dossiers have a phone that may be texted.';
COMMENT ON COLUMN motcua.quality_shares.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_shares.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.quality_shares.dimension IS 'Dimension: the agency, a procedure there, or a desk user there.';
COMMENT ON COLUMN motcua.quality_shares.key IS 'Procedure, or pseudonym of the desk user who received the dossiers; empty for the agency.';
COMMENT ON COLUMN motcua.quality_shares.month IS 'First day of the month of receipt.';
COMMENT ON COLUMN motcua.quality_shares.dossiers IS 'Number of dossiers received.';
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
COMMENT ON TABLE motcua.quality_suggestions IS 'Suggestions to an agency that follow from the data.';
COMMENT ON COLUMN motcua.quality_suggestions.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_suggestions.agency_code IS 'The agency.';
COMMENT ON COLUMN motcua.quality_suggestions.kind IS 'Kind. hold_time: hold results back for a while; desk_user, procedure: most bad phone numbers come from one of them.';
COMMENT ON COLUMN motcua.quality_suggestions.facts IS 'The figures from which the suggestion follows.';

CREATE TABLE motcua.quality_sources (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    picked_up_at timestamptz,
    last_transition_at timestamptz,
    quarantined integer NOT NULL CHECK (quarantined >= 0),
    failing boolean NOT NULL,
    PRIMARY KEY (run_no, source_id)
);
COMMENT ON TABLE motcua.quality_sources IS 'When each source was last read before a run, and how many of its rows were unusable.';
COMMENT ON COLUMN motcua.quality_sources.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_sources.source_id IS 'The source.';
COMMENT ON COLUMN motcua.quality_sources.picked_up_at IS 'When the source was last read.';
COMMENT ON COLUMN motcua.quality_sources.last_transition_at IS 'When the source last recorded a transition.';
COMMENT ON COLUMN motcua.quality_sources.quarantined IS 'Number of the source''s rows in quarantine.';
COMMENT ON COLUMN motcua.quality_sources.failing IS 'Whether the last pick-up failed.';

-- Desk users are never named. Their pseudonym needs a key that only the function motcua.desk_user reads.
CREATE TABLE motcua.pseudonym_key (
    one boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
    key bytea NOT NULL CHECK (length(key) = 32)
);
COMMENT ON TABLE motcua.pseudonym_key IS 'The secret behind the pseudonyms of desk users. Only motcua.desk_user reads it.';
COMMENT ON COLUMN motcua.pseudonym_key.one IS 'Always true; the table has one row.';
COMMENT ON COLUMN motcua.pseudonym_key.key IS '32 random bytes, made together with the ledger.';
INSERT INTO motcua.pseudonym_key (key)
VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
