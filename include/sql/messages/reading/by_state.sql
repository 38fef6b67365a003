-- Messages by agency, kind, state and reason. Called by store/notices/messages.py.
SELECT
    agency_code,
    kind,
    state,
    CASE WHEN state IN ('suppressed', 'cancelled', 'rejected') THEN reason END AS reason,
    count(*) AS messages
FROM motcua.messages
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
