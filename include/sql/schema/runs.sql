-- Runs of DAGs, so that pages can show what each run did. Two DAGs may have runs with the same name at the same minute,
-- so each run has a number. A session that works for a run sets motcua.run, and the rows that it writes carry the
-- number.

CREATE TABLE motcua.runs (
    run_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dag_id text NOT NULL CHECK (btrim(dag_id) <> ''),
    run_id text NOT NULL CHECK (btrim(run_id) <> ''),
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    left_undone text CHECK (btrim(left_undone) <> ''),
    UNIQUE (run_id, dag_id)
);
COMMENT ON TABLE motcua.runs IS 'Runs of DAGs that worked on this ledger.';
COMMENT ON COLUMN motcua.runs.run_no IS 'Our number of the run.';
COMMENT ON COLUMN motcua.runs.dag_id IS 'The DAG.';
COMMENT ON COLUMN motcua.runs.run_id IS 'Name of the run in Airflow. Runs of other DAGs may have the same name.';
COMMENT ON COLUMN motcua.runs.began_at IS 'When the run first worked on the ledger.';
COMMENT ON COLUMN motcua.runs.left_undone IS 'Work that the run''s gate found undone, as counts and reasons; empty: nothing, or the run has not ended.';

CREATE TABLE motcua.pick_ups (
    run_no bigint NOT NULL REFERENCES motcua.runs,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    agency_code text NOT NULL,
    transitions integer NOT NULL CHECK (transitions >= 0),
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    PRIMARY KEY (run_no, source_id, agency_code)
);
COMMENT ON TABLE motcua.pick_ups IS 'How many new rows each run read from each source, by agency. A repeated reading of known rows leaves no row.';
COMMENT ON COLUMN motcua.pick_ups.run_no IS 'The run.';
COMMENT ON COLUMN motcua.pick_ups.source_id IS 'The source.';
COMMENT ON COLUMN motcua.pick_ups.agency_code IS 'The agency of the dossiers.';
COMMENT ON COLUMN motcua.pick_ups.transitions IS 'Number of new transitions.';
COMMENT ON COLUMN motcua.pick_ups.dossiers IS 'Number of dossier rows that were new or had changed.';
