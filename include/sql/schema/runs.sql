-- What a run of a DAG did can be told. Two DAGs may have runs of the same name at the same minute, so that each run
-- gets a number; whoever works for it sets the session's motcua.run, and what is written then carries the number.

CREATE TABLE motcua.runs (
    run_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dag_id text NOT NULL CHECK (btrim(dag_id) <> ''),
    run_id text NOT NULL CHECK (btrim(run_id) <> ''),
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    left_undone text CHECK (btrim(left_undone) <> ''),
    UNIQUE (run_id, dag_id)
);
COMMENT ON TABLE motcua.runs IS 'Runs of DAGs that worked on this ledger.';
COMMENT ON COLUMN motcua.runs.run_no IS 'Our number.';
COMMENT ON COLUMN motcua.runs.dag_id IS 'The DAG.';
COMMENT ON COLUMN motcua.runs.run_id IS 'As Airflow names the run; other DAGs may have runs of the same name.';
COMMENT ON COLUMN motcua.runs.began_at IS 'When it first worked on the ledger.';
COMMENT ON COLUMN motcua.runs.left_undone IS 'What its gate said was left: counts and reasons. Empty: nothing, or it has not ended.';

CREATE TABLE motcua.pick_ups (
    run_no bigint NOT NULL REFERENCES motcua.runs,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    agency_code text NOT NULL,
    transitions integer NOT NULL CHECK (transitions >= 0),
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    PRIMARY KEY (run_no, source_id, agency_code)
);
COMMENT ON TABLE motcua.pick_ups IS 'What each run read anew of each source, by agency; reading again what is known leaves no row.';
COMMENT ON COLUMN motcua.pick_ups.run_no IS 'The run.';
COMMENT ON COLUMN motcua.pick_ups.source_id IS 'The source.';
COMMENT ON COLUMN motcua.pick_ups.agency_code IS 'The agency whose dossiers they are.';
COMMENT ON COLUMN motcua.pick_ups.transitions IS 'New transitions.';
COMMENT ON COLUMN motcua.pick_ups.dossiers IS 'Rows of dossiers that were new or had changed.';
