-- Who asked for the backfill that a run in Airflow's own database belongs to: of one that was there before and is run
-- again, Airflow keeps in the run who started it first. Called by store/upkeep.py.
SELECT b.triggering_user_name AS asked_by
FROM dag_run AS r
INNER JOIN backfill AS b ON r.backfill_id = b.id
WHERE r.dag_id = %(dag_id)s AND r.run_id = %(run_id)s
