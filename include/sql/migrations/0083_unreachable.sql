-- depends: 0082_outside_watch
-- transactional: false
-- Allow the outcome unreachable of an attempt: the gateway answers that it cannot reach the phone number, for example
-- because the number has no Zalo account. Add an index that finds such attempts by phone number and gateway. The index
-- is built concurrently so that senders can go on writing. An interrupted build leaves an invalid index, which the next
-- try drops first.
SET lock_timeout = '2s';
ALTER TABLE motcua.attempts DROP CONSTRAINT attempts_outcome_check,
ADD CONSTRAINT attempts_outcome_check CHECK (
    outcome IN ('accepted', 'duplicate', 'phone', 'unreachable', 'configuration', 'transient', 'unknown', 'receipt')
) NOT VALID;
ALTER TABLE motcua.lost_attempts DROP CONSTRAINT lost_attempts_outcome_check,
ADD CONSTRAINT lost_attempts_outcome_check CHECK (
    outcome IN ('accepted', 'duplicate', 'phone', 'unreachable', 'configuration', 'transient', 'unknown')
) NOT VALID;
DROP INDEX CONCURRENTLY IF EXISTS motcua.attempts_unreachable;
CREATE INDEX CONCURRENTLY attempts_unreachable ON motcua.attempts (msisdn, gateway) WHERE outcome = 'unreachable';
