-- transactional: false
-- The head of the queue of each carrier is found at once, however many messages to others stand before it: whether
-- somebody serves it is asked by each run and each look of the watch. Made without holding up the senders; one that was
-- interrupted may be left over invalid.
DROP INDEX CONCURRENTLY IF EXISTS motcua.messages_due_to_carrier;
CREATE INDEX CONCURRENTLY messages_due_to_carrier
ON motcua.messages (coalesce(carrier, ''), next_attempt_at, message_id)
WHERE state = 'queued';
