-- When the first event was recorded of which there is a message. Called by store/oversight/closings.py.
SELECT m.recorded_at
FROM motcua.messages AS m
WHERE m.kind <> 'reply'
ORDER BY m.recorded_at
LIMIT 1
