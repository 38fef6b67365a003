-- Gaps that are open: what the ledger lacks of what was sent. Called by store/oversight/watch.py.
SELECT
    count(*) AS gaps,
    min(g.noticed_at) AS since
FROM motcua.gaps AS g
WHERE g.closed_at IS NULL
