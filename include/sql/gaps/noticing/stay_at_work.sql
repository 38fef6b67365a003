-- A sender at work gives its sign, unless the last one is as old as a sleep: then this ledger is not the one that it
-- was a moment ago, or the sender slept itself, and the next run finds it so. Which gap is open now, if any.
-- Called by store/notices/gaps.py.
WITH beat AS (
    UPDATE motcua.sender_life
    SET looked_at = greatest(looked_at, %(now)s)
    WHERE looked_at >= %(now)s::timestamptz - %(sleeps_after)s::interval
    RETURNING only_one
)

SELECT
    NOT EXISTS (SELECT 1 FROM beat) AS slept,
    (SELECT g.gap_no FROM motcua.gaps AS g WHERE g.closed_at IS NULL) AS gap_no
