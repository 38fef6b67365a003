-- Due messages that a stop covers and that no sender has set aside yet. Called by store/notices/stops.py.
SELECT message_id
FROM motcua.messages
WHERE
    state = 'queued'
    AND next_attempt_at <= %(now)s
    AND motcua.stopped_until(kind, agency_code, %(now)s) IS NOT NULL
ORDER BY next_attempt_at, message_id
LIMIT %(limit)s
