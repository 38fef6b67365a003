-- What pages asked for: what is open, the oldest first, or the newest that have ended. Called by
-- store/oversight/page_requests.py.
SELECT
    request_no,
    kind,
    subject,
    wanted,
    asked_at,
    asked_by,
    told_at,
    applies_at,
    told,
    untold_because,
    ended_at,
    ended_by,
    outcome,
    released
FROM motcua.page_requests
WHERE
    (ended_at IS NULL) = %(is_open)s
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(subject)s::text IS NULL OR subject = %(subject)s)
    AND (%(request_no)s::bigint IS NULL OR request_no = %(request_no)s)
ORDER BY CASE WHEN %(is_open)s THEN request_no ELSE -request_no END
LIMIT %(limit)s
