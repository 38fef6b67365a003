-- The number of a run, which gets one when it first works on the ledger. Called by store/ledger/runs.py.
INSERT INTO motcua.runs AS r (dag_id, run_id)
VALUES (%(dag_id)s, %(run_id)s)
ON CONFLICT (run_id, dag_id) DO UPDATE SET dag_id = r.dag_id
RETURNING run_no
