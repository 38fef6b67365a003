-- Who signed that a sleep of this ledger may be believed, where that is in force. Called by store/notices/gaps.py.
SELECT said_at, said_by, reason FROM motcua.believed_sleeps
WHERE withdrawn_at IS NULL
