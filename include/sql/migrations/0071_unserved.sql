-- transactional: false
-- Add an index with which PostgreSQL finds the first due message to a carrier at once, however many messages to other
-- carriers are due earlier. Each run, and each round of the watch (the process that raises alerts), queries the first
-- due messages to find out whether a sender sends them. The index is built concurrently so that senders can go on
-- writing. An interrupted build leaves an invalid index, which the next try drops first.
SET lock_timeout = '2s';
DROP INDEX CONCURRENTLY IF EXISTS motcua.messages_due_to_carrier;
CREATE INDEX CONCURRENTLY messages_due_to_carrier
ON motcua.messages (coalesce(carrier, ''), next_attempt_at, message_id)
WHERE state = 'queued';
