-- Whether Airflow's own database answers. Called by jobs/doctor/airflow.py.
SELECT 1 AS answers
