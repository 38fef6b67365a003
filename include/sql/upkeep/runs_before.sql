-- Runs in Airflow's own database that began before a moment, or did not begin. Called by store/upkeep.py.
SELECT
    r.dag_id,
    r.run_id
FROM dag_run AS r
WHERE r.start_date < %(moment)s OR r.start_date IS NULL
