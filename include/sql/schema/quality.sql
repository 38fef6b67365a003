-- Sealed runs of the check of data quality, each with its results. The snapshot that a run is judged on
-- is made by each check (include/sql/quality); findings and their lives: findings.sql.

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
COMMENT ON COLUMN motcua.quality_runs.dossiers IS 'Dossiers checked; those of broken agencies are not among them.';
COMMENT ON COLUMN motcua.quality_runs.findings IS 'Findings returned.';
COMMENT ON COLUMN motcua.quality_runs.broken IS 'Checks that broke, and agencies whose part of the snapshot was broken.';
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

-- The snapshot of a quality check is judged itself before any rule is asked of it: an agency whose part of it is broken
-- is told as broken and has no figures in that run, and the others are checked as ever.
CREATE TABLE motcua.quality_broken_agencies (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    agency_code text,
    fault text NOT NULL CHECK (fault ~ '^[a-z_]+$'),
    UNIQUE NULLS NOT DISTINCT (run_no, agency_code, fault)
);
COMMENT ON TABLE motcua.quality_broken_agencies IS 'Agencies whose part of the snapshot was broken in a run: nothing was said of them, neither good nor bad.';
COMMENT ON COLUMN motcua.quality_broken_agencies.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_broken_agencies.agency_code IS 'The agency as the snapshot names it, which the ledger may not know; empty: rows that are of no agency.';
COMMENT ON COLUMN motcua.quality_broken_agencies.fault IS 'What is wrong with it, by its name in include/quality/snapshot.yaml.';

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
