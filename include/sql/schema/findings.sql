-- Findings of data quality: each is a fact about one dossier with a life of its own, opened and closed by runs,
-- acknowledged by people, and looked at again between two runs.

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

CREATE TABLE motcua.quality_withheld (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    finding_id bigint NOT NULL REFERENCES motcua.findings,
    PRIMARY KEY (run_no, finding_id)
);
COMMENT ON TABLE motcua.quality_withheld IS 'Findings of broken agencies that stood when a run could not look: it neither saw nor fixed them.';
COMMENT ON COLUMN motcua.quality_withheld.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_withheld.finding_id IS 'The finding.';

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

-- Findings that were looked at again between two runs.
CREATE TABLE motcua.finding_rechecks (
    recheck_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding_id bigint NOT NULL REFERENCES motcua.findings,
    rechecked_at timestamptz NOT NULL,
    rechecked_by text NOT NULL CHECK (btrim(rechecked_by) <> ''),
    outcome text NOT NULL CHECK (outcome IN ('mended', 'stands', 'unknown'))
);
CREATE INDEX finding_rechecks_finding ON motcua.finding_rechecks (finding_id, recheck_id);
COMMENT ON TABLE motcua.finding_rechecks IS 'Each time that somebody had one finding judged again, by its dossier as the ledger has it then. Counted nowhere: the next run closes the finding, or does not. Append-only.';
COMMENT ON COLUMN motcua.finding_rechecks.recheck_id IS 'Our number.';
COMMENT ON COLUMN motcua.finding_rechecks.finding_id IS 'The finding.';
COMMENT ON COLUMN motcua.finding_rechecks.rechecked_at IS 'The moment that the rule took for now.';
COMMENT ON COLUMN motcua.finding_rechecks.rechecked_by IS 'Who asked for it. Personal data of staff.';
COMMENT ON COLUMN motcua.finding_rechecks.outcome IS 'mended (the rule no longer finds it), stands, unknown (it also depends on what only a whole run knows).';
