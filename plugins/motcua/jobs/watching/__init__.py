"""The watch: what it checks from outside Airflow, what it stores between rounds, and whom it informs."""
