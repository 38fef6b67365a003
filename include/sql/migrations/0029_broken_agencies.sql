-- depends: 0028_times_that_can_be
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

CREATE TABLE motcua.quality_withheld (
    run_no bigint NOT NULL REFERENCES motcua.quality_runs,
    finding_id bigint NOT NULL REFERENCES motcua.findings,
    PRIMARY KEY (run_no, finding_id)
);
COMMENT ON TABLE motcua.quality_withheld IS 'Findings of broken agencies that stood when a run could not look: it neither saw nor fixed them.';
COMMENT ON COLUMN motcua.quality_withheld.run_no IS 'The run.';
COMMENT ON COLUMN motcua.quality_withheld.finding_id IS 'The finding.';

GRANT SELECT, INSERT ON motcua.quality_broken_agencies, motcua.quality_withheld TO motcua_app;
COMMENT ON COLUMN motcua.quality_runs.dossiers IS 'Dossiers checked; those of broken agencies are not among them.';
COMMENT ON COLUMN motcua.quality_runs.broken IS 'Checks that broke, and agencies whose part of the snapshot was broken.';

CREATE UNLOGGED TABLE quality.ledger_counts (
    agency_code text NOT NULL,
    dossiers integer NOT NULL
);
COMMENT ON TABLE quality.ledger_counts IS 'How many dossiers of each agency are to be looked at, counted in the ledger alone, at the same moment.';

CREATE UNLOGGED TABLE quality.agency_counts (
    agency_code text,
    in_ledger integer NOT NULL,
    in_snapshot integer NOT NULL,
    received integer NOT NULL,
    received_in_months integer NOT NULL
);
COMMENT ON TABLE quality.agency_counts IS 'What must be the same of each agency: dossiers in ledger and snapshot, and those received one by one and summed up.';
GRANT SELECT, INSERT ON quality.ledger_counts, quality.agency_counts TO motcua_app;

-- A row that is of no agency is judged like any other fault; refused by its table, it would stop the check of all.
ALTER TABLE quality.agencies ALTER COLUMN answers DROP NOT NULL;
ALTER TABLE quality.dossiers ALTER COLUMN answers DROP NOT NULL;
ALTER TABLE quality.dossier_facts ALTER COLUMN agency_code DROP NOT NULL;
ALTER TABLE quality.month_cells ALTER COLUMN agency_code DROP NOT NULL;
ALTER TABLE quality.agency_month_facts ALTER COLUMN agency_code DROP NOT NULL;
ALTER TABLE quality.agency_month_facts ALTER COLUMN subject DROP NOT NULL;
