-- The journal that this ledger is kept with: the one begun last. Called by store/notices/gaps.py.
SELECT journal_id FROM motcua.journals
ORDER BY journal_no DESC
LIMIT 1
