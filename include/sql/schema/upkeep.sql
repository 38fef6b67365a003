-- What was removed from Airflow's own database and logs.

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
COMMENT ON TABLE motcua.airflow_cleanings IS 'Removals of old rows from Airflow''s own database and of old log files: the numbers, without any value. Append-only.';
COMMENT ON COLUMN motcua.airflow_cleanings.cleaning_id IS 'Our number of the removal.';
COMMENT ON COLUMN motcua.airflow_cleanings.cleaned_at IS 'Time of the removal, from which the age of rows and files is counted.';
COMMENT ON COLUMN motcua.airflow_cleanings.of_what IS 'Removed things: the name of a table of Airflow, log_files or log_folders.';
COMMENT ON COLUMN motcua.airflow_cleanings.removed IS 'Number of rows, files or folders that were removed.';
COMMENT ON COLUMN motcua.airflow_cleanings.size IS 'Bytes of the files; empty for rows.';
COMMENT ON COLUMN motcua.airflow_cleanings.failed IS 'Why nothing or not everything was removed; empty: everything was.';
COMMENT ON COLUMN motcua.airflow_cleanings.run_no IS 'The run of a DAG that removed it.';
