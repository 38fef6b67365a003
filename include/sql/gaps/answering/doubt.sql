-- Somebody takes back that a sleep of this ledger may be believed. Called by store/notices/gaps.py.
UPDATE motcua.believed_sleeps
SET withdrawn_at = %(now)s, withdrawn_by = %(by)s
WHERE withdrawn_at IS NULL
