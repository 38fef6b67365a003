-- Clients that may write for these agencies, or all, with what they may do, their last push, what they pushed since a
-- day, the steps that wait for their dossiers, and the dossiers with a supplement since then that nothing says to be at
-- the desk. Called by store/intake/clients.py.
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
    coalesce(
        (
            SELECT w.steps FROM intake.waiting_steps AS w WHERE w.source = c.source AND w.client_id = c.client_id
        ),
        0
    ) AS waiting,
    (
        SELECT count(*)
        FROM (
            SELECT DISTINCT u.agency_code, u.dossier_code
            FROM intake.supplements_untold AS u
            WHERE
                u.source = c.source AND u.client_id = c.client_id
                AND u.said_at >= %(since)s::date::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh'
        ) AS s
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
WHERE
    %(agencies)s::text[] IS NULL
    OR EXISTS (
        SELECT 1 FROM intake.client_agencies AS a
        WHERE a.client_id = c.client_id AND a.agency_code = any(%(agencies)s)
    )
ORDER BY c.name
