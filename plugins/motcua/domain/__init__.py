"""Rules of the field, pure: no Airflow, no SQL, no HTTP."""
