-- Which of these attempts the ledger knows, as its own or as lost ones. Called by store/notices/gaps.py.
SELECT a.reference FROM motcua.attempts AS a
WHERE a.reference = any(%(asked)s)
UNION
SELECT l.reference FROM motcua.lost_attempts AS l
WHERE l.reference = any(%(asked)s)
