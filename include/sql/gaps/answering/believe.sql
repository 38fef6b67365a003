-- Somebody signs that a sleep of this ledger may be believed, unless that is in force already.
-- Called by store/notices/gaps.py.
INSERT INTO motcua.believed_sleeps (said_at, said_by, reason)
VALUES (%(now)s, %(by)s, %(reason)s)
ON CONFLICT ((withdrawn_at IS NULL)) WHERE withdrawn_at IS NULL DO NOTHING
