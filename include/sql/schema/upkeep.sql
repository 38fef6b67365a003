-- How many old rows and files were removed from Airflow's own database and logs.

CREATE TABLE motcua.airflow_cleanings (
    cleaning_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cleaned_at timestamptz NOT NULL,
    of_what text NOT NULL CHECK (of_what ~ '^[a-z_]+$'),
    removed bigint NOT NULL CHECK (removed >= 0),
    size bigint CHECK (size >= 0),
    failed text CHECK (btrim(failed) <> ''),
    run_no bigint DEFAULT (nullif(current_setting('motcua.run', TRUE), ''))::bigint
);
CREATE INDEX airflow_cleanings_run ON motcua.airflow_cleanings (run_no) WHERE run_no IS NOT NULL;
CREATE INDEX airflow_cleanings_of_runs ON motcua.airflow_cleanings (cleaning_id)
WHERE of_what = 'dag_run' AND failed IS NULL;
COMMENT ON TABLE motcua.airflow_cleanings IS 'How many old rows were removed from Airflow''s own database, and how many old log files. No content of the rows and files is stored. Append-only.';
COMMENT ON COLUMN motcua.airflow_cleanings.cleaning_id IS 'Our number of the removal.';
COMMENT ON COLUMN motcua.airflow_cleanings.cleaned_at IS 'Time of the removal. The age of rows and files is counted back from it.';
COMMENT ON COLUMN motcua.airflow_cleanings.of_what IS 'What was removed: the name of a table of Airflow if its rows were removed, otherwise log_files or log_folders.';
COMMENT ON COLUMN motcua.airflow_cleanings.removed IS 'Number of rows, files or folders that were removed.';
COMMENT ON COLUMN motcua.airflow_cleanings.size IS 'Size in bytes of the removed files; empty for rows.';
COMMENT ON COLUMN motcua.airflow_cleanings.failed IS 'Why nothing or not everything was removed; empty: everything that was due was removed.';
COMMENT ON COLUMN motcua.airflow_cleanings.run_no IS 'The run of a DAG that removed the rows or files.';
