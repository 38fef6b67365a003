"""Runs the watch, which checks the system from outside Airflow, stores its state between rounds, and informs people."""
