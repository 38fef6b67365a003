-- Runs of DAGs, so that pages can show what each run did. Runs of two DAGs may have the same name in Airflow, so the
-- ledger gives each run a number. A database session of a run sets the variable motcua.run to this number, and the rows
-- that the session writes store the number.

CREATE TABLE motcua.runs (
    run_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dag_id text NOT NULL CHECK (btrim(dag_id) <> ''),
    run_id text NOT NULL CHECK (btrim(run_id) <> ''),
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    left_undone text CHECK (btrim(left_undone) <> ''),
    UNIQUE (run_id, dag_id)
);
COMMENT ON TABLE motcua.runs IS 'Runs of Airflow''s DAGs that worked on this ledger.';
COMMENT ON COLUMN motcua.runs.run_no IS 'Our number of the run.';
COMMENT ON COLUMN motcua.runs.dag_id IS 'Id of the DAG that ran.';
COMMENT ON COLUMN motcua.runs.run_id IS 'Name of the run in Airflow. Runs of other DAGs may have the same name.';
COMMENT ON COLUMN motcua.runs.began_at IS 'When the run first worked on the ledger.';
COMMENT ON COLUMN motcua.runs.left_undone IS 'Work that the run''s last task, the gate, found undone, as counts and reasons; empty: nothing was left undone, or the gate has not run yet.';

CREATE TABLE motcua.pick_ups (
    run_no bigint NOT NULL REFERENCES motcua.runs,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    agency_code text NOT NULL,
    transitions integer NOT NULL CHECK (transitions >= 0),
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    PRIMARY KEY (run_no, source_id, agency_code)
);
COMMENT ON TABLE motcua.pick_ups IS 'How many new rows each run read from each source, by agency. If a run only read rows that the ledger knew already, no row is written.';
COMMENT ON COLUMN motcua.pick_ups.run_no IS 'The run that read the source.';
COMMENT ON COLUMN motcua.pick_ups.source_id IS 'The source that was read.';
COMMENT ON COLUMN motcua.pick_ups.agency_code IS 'The agency of the dossiers whose rows were read.';
COMMENT ON COLUMN motcua.pick_ups.transitions IS 'Number of transitions that were new.';
COMMENT ON COLUMN motcua.pick_ups.dossiers IS 'Number of dossier rows that were new or had changed.';
