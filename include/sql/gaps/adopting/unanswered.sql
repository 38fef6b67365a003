-- Attempts whose answer the ledger does not have, and perhaps the journal: in flight, or left behind by a sender that
-- ended; when each began. Called by store/notices/gaps.py.
SELECT a.reference, a.started_at
FROM motcua.attempts AS a
WHERE
    a.state = 'in_flight'
    OR (a.state = 'unknown' AND NOT a.released AND a.gateway_code = 'the sender ended before the answer')
