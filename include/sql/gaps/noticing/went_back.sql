-- The watch had seen more than a ledger has that slept: it was put back. What is held stays so.
-- Called by store/notices/gaps.py.
UPDATE motcua.gaps
SET kind = 'behind_watch', lost_attempts = %(lost_attempts)s, journal_until = %(journal_until)s
WHERE closed_at IS NULL AND kind = 'slept'
