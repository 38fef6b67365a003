-- The clean-up of Airflow's own database, and what is kept of it. Called by store/upkeep.py and
-- jobs/upkeep/airflow_tables.py.

-- name: last
-- When old runs were last removed of Airflow's database, or looked for.
SELECT c.cleaned_at
FROM motcua.airflow_cleanings AS c
WHERE c.of_what = 'dag_run' AND c.failed IS NULL
ORDER BY c.cleaning_id DESC
LIMIT 1;

-- name: runs_before
-- Runs in Airflow's own database that began before a moment, or did not begin.
SELECT
    r.dag_id,
    r.run_id
FROM dag_run AS r
WHERE r.start_date < %(moment)s OR r.start_date IS NULL;

-- name: backfill_asked_by
-- Who asked for the backfill that a run in Airflow's own database belongs to: of one that was there before and is run
-- again, Airflow keeps in the run who started it first.
SELECT b.triggering_user_name AS asked_by
FROM dag_run AS r
INNER JOIN backfill AS b ON r.backfill_id = b.id
WHERE r.dag_id = %(dag_id)s AND r.run_id = %(run_id)s;

-- name: deleted
-- How many rows this transaction has deleted so far, by table; asked in Airflow's own database.
SELECT
    relname,
    n_tup_del
FROM pg_stat_xact_user_tables
WHERE n_tup_del > 0;

-- name: save
-- Keeps what was removed of one table of Airflow's, or of its logs.
INSERT INTO motcua.airflow_cleanings (cleaned_at, of_what, removed, size, failed)
VALUES (%(cleaned_at)s, %(of_what)s, %(removed)s, %(size)s, %(failed)s);
