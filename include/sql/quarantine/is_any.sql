-- Whether a row of a source waits in quarantine. Called by store/notices/quarantine.py.
SELECT count(*) > 0 AS is_any
FROM (
    SELECT 1
    FROM motcua.quarantine AS q
    WHERE q.source_id = %(source_id)s AND q.released_at IS NULL
    LIMIT 1  -- noqa: AM09
) AS o
