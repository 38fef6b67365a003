-- Clients that may push, each with those of its agencies that are enabled by now, the days and hours in which it
-- called, and what it pushed on its last days. Called by store/intake/watching.py.
SELECT
    c.name,
    array(
        SELECT a.agency_code
        FROM intake.client_agencies AS a
        INNER JOIN motcua.agencies AS g ON a.agency_code = g.agency_code
        WHERE a.client_id = c.client_id AND g.enabled_from <= %(now)s
        ORDER BY a.agency_code
    ) AS agencies,
    (SELECT max(d.last_at) FROM intake.client_days AS d WHERE d.client_id = c.client_id) AS last_call_at,
    array(
        SELECT DISTINCT d.day FROM intake.client_days AS d WHERE d.client_id = c.client_id AND d.day >= %(days_since)s
    ) AS days,
    array(SELECT h.hour FROM intake.client_hours AS h WHERE h.client_id = c.client_id) AS hours,
    (
        SELECT jsonb_agg(jsonb_build_object('records', r.records, 'refused', r.refused) ORDER BY r.day DESC)
        FROM (
            SELECT
                d.day, sum(d.taken + d.repeated + d.refused)::bigint AS records, sum(d.refused)::bigint AS refused
            FROM intake.client_days AS d
            WHERE d.client_id = c.client_id AND d.day >= %(records_since)s
            GROUP BY d.day
            HAVING sum(d.taken + d.repeated + d.refused) > 0
        ) AS r
    ) AS recent
FROM intake.clients AS c
WHERE c.disabled_at IS NULL
ORDER BY c.name
