-- The largest numbers that the ledger has given to attempts and to changes of messages.
-- Called by store/watching/watch.py.
SELECT
    coalesce((SELECT max(a.attempt_id) FROM motcua.attempts AS a), 0) AS attempt_id,
    coalesce((SELECT max(h.history_id) FROM motcua.message_history AS h), 0) AS history_id
