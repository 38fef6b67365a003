"""Removes old rows of Airflow's own database and old log files."""
