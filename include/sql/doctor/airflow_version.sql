-- The migration that Airflow's own database is at; asked in that database. Called by jobs/doctor/airflow.py.
SELECT version_num FROM alembic_version
