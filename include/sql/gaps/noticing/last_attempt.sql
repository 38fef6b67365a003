-- When the last attempt that the ledger knows began. Called by store/notices/gaps.py.
SELECT started_at FROM motcua.attempts
ORDER BY attempt_id DESC
LIMIT 1
