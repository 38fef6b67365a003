-- Clean up Airflow's own database, and store what was removed. Called by store/upkeep.py and
-- jobs/upkeep/airflow_tables.py.

-- name: last
-- Return when old runs were last removed from Airflow's database, or when a search last found none to remove
-- (motcua.airflow_cleanings).
SELECT c.cleaned_at
FROM motcua.airflow_cleanings AS c
WHERE c.of_what = 'dag_run' AND c.failed IS NULL
ORDER BY c.cleaning_id DESC
LIMIT 1;

-- name: runs_before
-- Return the runs in Airflow's own database that began before a time or never began (dag_run).
SELECT
    r.dag_id,
    r.run_id
FROM dag_run AS r
WHERE r.start_date < %(moment)s OR r.start_date IS NULL;

-- name: backfill_asked_by
-- Return who requested the backfill that a run in Airflow's own database belongs to (dag_run, backfill). If the
-- backfill repeats an existing run, the run's own row still names the user who started that run first.
SELECT b.triggering_user_name AS asked_by
FROM dag_run AS r
INNER JOIN backfill AS b ON r.backfill_id = b.id
WHERE r.dag_id = %(dag_id)s AND r.run_id = %(run_id)s;

-- name: deleted
-- Return how many rows this transaction has deleted so far, by table (pg_stat_xact_user_tables). The query runs in
-- Airflow's own database.
SELECT
    relname,
    n_tup_del
FROM pg_stat_xact_user_tables
WHERE n_tup_del > 0;

-- name: save
-- Log how many rows were removed from one table of Airflow, or what was removed from its logs
-- (motcua.airflow_cleanings).
INSERT INTO motcua.airflow_cleanings (cleaned_at, of_what, removed, size, failed)
VALUES (%(cleaned_at)s, %(of_what)s, %(removed)s, %(size)s, %(failed)s);
