-- How many rows this transaction has deleted so far, by table; asked in Airflow's own database. Called by
-- jobs/upkeep/airflow_tables.py.
SELECT
    relname,
    n_tup_del
FROM pg_stat_xact_user_tables
WHERE n_tup_del > 0
