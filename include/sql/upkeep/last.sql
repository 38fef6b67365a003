-- When old runs were last removed of Airflow's database, or looked for. Called by store/upkeep.py.
SELECT c.cleaned_at
FROM motcua.airflow_cleanings AS c
WHERE c.of_what = 'dag_run' AND c.failed IS NULL
ORDER BY c.cleaning_id DESC
LIMIT 1
