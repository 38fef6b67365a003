-- Findings: faults that the rules of data quality found. An episode of a finding begins with the run of the data
-- quality check that found it, and ends with the run that does not find it any more. People acknowledge findings. A
-- finding can be rechecked between two runs.

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
COMMENT ON TABLE motcua.findings IS 'Faults that the rules of data quality found about a dossier, an agency''s month or a source, each stored once. The times in which a finding was open are in finding_episodes.';
COMMENT ON COLUMN motcua.findings.finding_id IS 'Our number of the finding.';
COMMENT ON COLUMN motcua.findings.rule IS 'Code of the rule that returned the finding.';
COMMENT ON COLUMN motcua.findings.subject IS 'Identifier of what the finding is about: the dossier_id; or agency, month and procedure; or source and agency.';
COMMENT ON COLUMN motcua.findings.level IS 'What the finding is about: dossier, agency_month (one month of an agency) or source.';
COMMENT ON COLUMN motcua.findings.agency_code IS 'Agency in charge; empty: the finding is about a source, not about one agency.';
COMMENT ON COLUMN motcua.findings.dossier_id IS 'The dossier; empty: the finding is not about a dossier.';
COMMENT ON COLUMN motcua.findings.since IS 'When the fault happened or began, according to the data.';
COMMENT ON COLUMN motcua.findings.facts IS 'Figures, days and codes for the sentence that describes the finding; never a value of a personal field.';
COMMENT ON COLUMN motcua.findings.first_run IS 'Run of the data quality check that first returned the finding.';

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
COMMENT ON TABLE motcua.finding_episodes IS 'Episodes of findings: from the run that first returned a finding to the run that no longer did. A finding that comes back gets another episode.';
COMMENT ON COLUMN motcua.finding_episodes.finding_id IS 'The finding whose episode this is.';
COMMENT ON COLUMN motcua.finding_episodes.opened_run IS 'First run of this episode that returned the finding.';
COMMENT ON COLUMN motcua.finding_episodes.closed_run IS 'Run that checked the rule and did not return the finding; empty: the finding is open.';
COMMENT ON COLUMN motcua.finding_episodes.again IS 'Whether the finding had an earlier episode.';
COMMENT ON COLUMN motcua.finding_episodes.deadline IS 'Last day for correcting the data. The agency is reminded from the next day on. Empty: none.';
COMMENT ON COLUMN motcua.finding_episodes.department_on IS 'Last day before the Department, which runs the system, is informed as well. It is informed from the next day on.';

CREATE TABLE motcua.quality_withheld (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    finding_id bigint NOT NULL REFERENCES motcua.findings,
    PRIMARY KEY (run_no, finding_id)
);
COMMENT ON TABLE motcua.quality_withheld IS 'Open findings of agencies whose data was faulty in a run, so that the run could neither confirm nor close these findings.';
COMMENT ON COLUMN motcua.quality_withheld.run_no IS 'The run that could not judge the finding.';
COMMENT ON COLUMN motcua.quality_withheld.finding_id IS 'The finding, which stayed open.';

CREATE TABLE motcua.finding_acknowledgements (
    acknowledgement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding_id bigint NOT NULL REFERENCES motcua.findings,
    acknowledged_at timestamptz NOT NULL,
    acknowledged_by text NOT NULL CHECK (btrim(acknowledged_by) <> ''),
    why text NOT NULL CHECK (btrim(why) <> ''),
    until date NOT NULL
);
CREATE INDEX finding_acknowledgements_finding ON motcua.finding_acknowledgements (finding_id, acknowledgement_id);
COMMENT ON TABLE motcua.finding_acknowledgements IS 'Acknowledgements: a person accepts a finding for a time, with a reason. The last acknowledgement of a finding counts; append-only. Acknowledged findings are still shown, but numbers of open findings leave them out.';
COMMENT ON COLUMN motcua.finding_acknowledgements.acknowledgement_id IS 'Our number of the acknowledgement.';
COMMENT ON COLUMN motcua.finding_acknowledgements.finding_id IS 'The finding that was acknowledged.';
COMMENT ON COLUMN motcua.finding_acknowledgements.acknowledged_at IS 'When the finding was acknowledged.';
COMMENT ON COLUMN motcua.finding_acknowledgements.acknowledged_by IS 'Person who acknowledged the finding.';
COMMENT ON COLUMN motcua.finding_acknowledgements.why IS 'Reason of the person who acknowledged the finding.';
COMMENT ON COLUMN motcua.finding_acknowledgements.until IS 'Last day on which the acknowledgement holds. A day before acknowledged_at revokes it.';

CREATE TABLE motcua.finding_rechecks (
    recheck_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding_id bigint NOT NULL REFERENCES motcua.findings,
    rechecked_at timestamptz NOT NULL,
    rechecked_by text NOT NULL CHECK (btrim(rechecked_by) <> ''),
    outcome text NOT NULL CHECK (outcome IN ('mended', 'stands', 'unknown'))
);
CREATE INDEX finding_rechecks_finding ON motcua.finding_rechecks (finding_id, recheck_id);
COMMENT ON TABLE motcua.finding_rechecks IS 'Rechecks: a person had one finding judged again by the dossier''s present data in the ledger. A recheck changes no figure and does not close the finding; only the next run can close it. Append-only.';
COMMENT ON COLUMN motcua.finding_rechecks.recheck_id IS 'Our number of the recheck.';
COMMENT ON COLUMN motcua.finding_rechecks.finding_id IS 'The finding that was rechecked.';
COMMENT ON COLUMN motcua.finding_rechecks.rechecked_at IS 'The time that the rule used as the present time.';
COMMENT ON COLUMN motcua.finding_rechecks.rechecked_by IS 'Person who requested the recheck. Personal data of staff.';
COMMENT ON COLUMN motcua.finding_rechecks.outcome IS 'Outcome: mended (the rule no longer returns the finding), stands, or unknown (the finding also depends on facts that only a whole run computes).';
