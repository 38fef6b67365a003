-- Of the messages that one run attempted before a place in the list, the newest first: those that are wanted, up to so
-- many. Costs what the run did. Called by store/browsing/messages.py.
SELECT
    m.recorded_at AS listed_at,
    m.message_id AS listed_id,
    TRUE AS is_wanted,
    FALSE AS is_last
FROM motcua.messages AS m
WHERE
    m.message_id IN (SELECT a.message_id FROM motcua.attempts AS a WHERE a.run_id = %(run_id)s)
    AND (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s))
    AND (%(kind)s::text IS NULL OR m.kind = %(kind)s)
    AND (%(state)s::text IS NULL OR m.state = %(state)s)
    AND (%(reason)s::text IS NULL OR m.reason = %(reason)s)
    AND (%(procedure_code)s::text IS NULL OR m.procedure_code = %(procedure_code)s)
    AND m.recorded_at >= coalesce(%(begins)s::timestamptz, '-infinity')
    AND m.recorded_at < coalesce(%(ends)s::timestamptz, 'infinity')
    AND (m.recorded_at, m.message_id)
    < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_id)s::bigint, 0))
ORDER BY m.recorded_at DESC, m.message_id DESC
LIMIT %(most)s
