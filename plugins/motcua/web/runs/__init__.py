"""The tab of a run in Airflow: what it did, how it stands, and why it is red."""
