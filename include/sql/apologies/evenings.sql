-- The evenings of these days, the newest first, with what became of their apologies by now.
-- Called by store/notices/apologies.py.
SELECT
    e.agency_code,
    e.day,
    e.apology_day,
    e.state,
    e.first_due,
    e.last_due,
    e.settled_at,
    e.looked_at,
    e.queued,
    e.suppressed,
    e.missed,
    coalesce(m.told, 0) AS told,
    coalesce(m.cancelled, 0) AS cancelled,
    coalesce(m.expired, 0) AS expired,
    coalesce(m.open, 0) AS open
FROM motcua.apology_evenings AS e
LEFT JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE a.state IN ('accepted', 'delivered', 'unconfirmed')) AS told,
        count(*) FILTER (WHERE a.state = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE a.state = 'expired') AS expired,
        count(*) FILTER (WHERE a.state IN ('queued', 'sending', 'unknown')) AS open
    FROM motcua.messages AS a
    WHERE a.recorded_at = e.evening_at AND a.agency_code = e.agency_code AND a.kind = 'apology'
) AS m ON TRUE
WHERE e.day BETWEEN %(first)s AND %(last)s
ORDER BY e.day DESC, e.agency_code
