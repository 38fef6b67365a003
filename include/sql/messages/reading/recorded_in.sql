-- Messages of what was recorded in [start, end), by agency, kind and state; of some agencies, or of all (NULL). Costs
-- what that time holds. Called by store/notices/messages.py.
SELECT m.agency_code, m.kind, m.state, count(*) AS messages
FROM motcua.messages AS m
WHERE
    m.recorded_at >= %(start)s
    AND m.recorded_at < %(end)s
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
GROUP BY m.agency_code, m.kind, m.state
ORDER BY m.agency_code, m.kind, m.state
