-- What a run's gate says is left. Called by store/ledger/runs.py.
UPDATE motcua.runs
SET left_undone = %(words)s
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s
