-- The largest numbers that the ledger has given to attempts and to changes of messages, and the last sign of senders
-- before it slept, where it did and nobody has answered that yet, else the very last.
-- Called by store/watching/watch.py.
SELECT
    coalesce((SELECT max(a.attempt_id) FROM motcua.attempts AS a), 0) AS attempt_id,
    coalesce((SELECT max(h.history_id) FROM motcua.message_history AS h), 0) AS history_id,
    coalesce(
        (SELECT g.slept_since FROM motcua.gaps AS g WHERE g.closed_at IS NULL AND g.kind = 'slept'),
        (SELECT l.looked_at FROM motcua.sender_life AS l)
    ) AS at_work_at
