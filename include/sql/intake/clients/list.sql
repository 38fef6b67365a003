-- Clients with what they may do, their last push, what they pushed since a day, the steps that wait for their dossiers,
-- and the supplements since then that nothing says to be at the desk. Called by store/intake/clients.py.
SELECT
    c.name,
    c.source,
    c.networks::text[] AS networks,
    c.supplements_at_desk_since,
    c.disabled_at,
    array(
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = c.client_id ORDER BY a.agency_code
    ) AS agencies,
    (SELECT max(d.last_at) FROM intake.client_days AS d WHERE d.client_id = c.client_id) AS last_call_at,
    coalesce(n.calls, 0) AS calls,
    coalesce(n.taken, 0) AS taken,
    coalesce(n.repeated, 0) AS repeated,
    coalesce(n.refused, 0) AS refused,
    (
        SELECT count(*) FROM intake.pushed_steps AS s WHERE s.client_id = c.client_id AND s.transition_id IS NULL
    ) AS waiting,
    (
        SELECT count(*) FROM intake.source_transitions AS t
        WHERE
            t.source = c.source AND t.status_code = 5 AND NOT t.at_one_stop_desk
            AND t.recorded_at >= %(since)s::date::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh'
            AND t.agency_code IN (SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = c.client_id)
    ) AS supplements_nowhere
FROM intake.clients AS c
LEFT JOIN LATERAL (
    SELECT
        sum(d.calls)::bigint AS calls,
        sum(d.taken)::bigint AS taken,
        sum(d.repeated)::bigint AS repeated,
        sum(d.refused)::bigint AS refused
    FROM intake.client_days AS d
    WHERE d.client_id = c.client_id AND d.day >= %(since)s
) AS n ON TRUE
ORDER BY c.name
