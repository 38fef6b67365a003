-- The gap that was not looked at, where there is one. Called by store/notices/gaps.py.
SELECT
    gap_no, kind, noticed_at, ledger_until, journal_until, lost_attempts, held_messages, slept_since, held_until
FROM motcua.gaps
WHERE closed_at IS NULL
