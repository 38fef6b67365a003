-- Keeps what was removed of one table of Airflow's, or of its logs. Called by store/upkeep.py.
INSERT INTO motcua.airflow_cleanings (cleaned_at, of_what, removed, size, failed)
VALUES (%(cleaned_at)s, %(of_what)s, %(removed)s, %(size)s, %(failed)s)
