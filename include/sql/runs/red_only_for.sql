-- Of these runs, those whose gate said nothing else than what begins with these words. Called by store/ledger/runs.py.
SELECT r.run_id
FROM motcua.runs AS r
WHERE r.run_id = any(%(run_ids)s::text[]) AND starts_with(r.left_undone, %(words)s)
