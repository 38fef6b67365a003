-- One run as the ledger knows it. Called by store/browsing/runs.py.
SELECT
    run_no,
    began_at,
    left_undone
FROM motcua.runs
WHERE run_id = %(run_id)s AND dag_id = %(dag_id)s
