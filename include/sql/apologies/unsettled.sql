-- Enabled agencies with the days whose evening is not recorded yet, the oldest first: since the agency was enabled and
-- the first of its dossiers was read, up to a day, while somebody is in charge of them; with "only_day" that day alone.
-- And what the evenings need to know: settings, and the sources that hold dossiers of the agency.
-- Called by store/notices/apologies.py.
SELECT
    g.agency_code,
    g.accented,
    g.kinds_off,
    g.apology_day,
    greatest(g.enabled_from, f.seen_at) AS begins_at,
    array(
        SELECT s.name FROM motcua.sources AS s
        WHERE
            EXISTS (
                SELECT 1 FROM motcua.dossiers AS d
                WHERE d.agency_code = g.agency_code AND d.source_id = s.source_id
            )
        ORDER BY s.source_id
    ) AS sources,
    array(
        SELECT n.day::date
        FROM
            generate_series(
                coalesce(
                    %(only_day)s::date,
                    (greatest(g.enabled_from, f.seen_at) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
                )::timestamp,
                %(up_to)s::date::timestamp,
                '1 day'
            ) AS n (day)
        WHERE
            coalesce(g.valid_from <= n.day::date, TRUE)
            AND NOT EXISTS (
                SELECT 1 FROM motcua.apology_evenings AS e
                WHERE e.agency_code = g.agency_code AND e.day = n.day::date
            )
            AND EXISTS (
                SELECT 1 FROM motcua.agencies_on(n.day::date) AS o
                WHERE o.agency_code = g.agency_code AND o.in_charge IS NOT NULL
            )
        ORDER BY n.day
    ) AS days
FROM motcua.agencies AS g
INNER JOIN LATERAL (
    SELECT v.seen_at
    FROM motcua.dossier_versions AS v
    WHERE v.dossier_id = (SELECT min(d.dossier_id) FROM motcua.dossiers AS d WHERE d.agency_code = g.agency_code)
    ORDER BY v.version_id
    LIMIT 1
) AS f ON TRUE
WHERE g.enabled_from IS NOT NULL
ORDER BY g.agency_code
