-- What became of the apologies of one evening by now, by state and reason; of some agencies, or of all (NULL). Costs
-- what the evening holds. Called by store/notices/apologies.py.
SELECT m.state, m.reason, count(*) AS messages
FROM motcua.messages AS m
WHERE
    m.recorded_at = %(evening_at)s
    AND m.kind = 'apology'
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s::text[]))
GROUP BY m.state, m.reason
ORDER BY messages DESC, m.state, m.reason
