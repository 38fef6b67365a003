"""The rules of the domain, as pure functions and data classes: no Airflow, no SQL, no HTTP."""
