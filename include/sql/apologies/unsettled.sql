-- Enabled agencies with the days whose evening is not recorded yet, the oldest first: since the agency was enabled and
-- the first of its dossiers was read, up to a day, while somebody is in charge of them; with "only_day" that day alone.
-- And what the evenings need to know: settings, and the sources that hold dossiers of the agency.
-- Called by store/notices/apologies.py.
SELECT
    g.agency_code,
    g.accented,
    g.kinds_off,
    g.apology_day,
    greatest(g.enabled_from, v.seen_at) AS begins_at,
    f.sources,
    array(
        SELECT n.day
        FROM (
            -- First what is recorded is taken out, a range of an index; who was in charge is asked of the rest.
            SELECT a.day::date
            FROM
                generate_series(
                    coalesce(
                        %(only_day)s::date,
                        (greatest(g.enabled_from, v.seen_at) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
                    )::timestamp,
                    %(up_to)s::date::timestamp,
                    '1 day'
                ) AS a (day)
            EXCEPT
            SELECT e.day
            FROM motcua.apology_evenings AS e
            WHERE e.agency_code = g.agency_code
        ) AS n
        WHERE
            coalesce(g.valid_from <= n.day, TRUE)
            AND EXISTS (
                SELECT 1 FROM motcua.agencies_on(n.day) AS o
                WHERE o.agency_code = g.agency_code AND o.in_charge IS NOT NULL
            )
        ORDER BY n.day
    ) AS days
FROM motcua.agencies AS g
CROSS JOIN
    LATERAL (
        -- The first dossier at each source, one after the other: an agency has few sources.
        WITH RECURSIVE firsts AS (
            (
                SELECT d.source_id, d.dossier_id
                FROM motcua.dossiers AS d
                WHERE d.agency_code = g.agency_code
                ORDER BY d.source_id, d.dossier_id
                LIMIT 1
            )
            UNION ALL
            SELECT n.source_id, n.dossier_id
            FROM firsts AS b
            CROSS JOIN LATERAL (
                SELECT d.source_id, d.dossier_id
                FROM motcua.dossiers AS d
                WHERE d.agency_code = g.agency_code AND d.source_id > b.source_id
                ORDER BY d.source_id, d.dossier_id
                LIMIT 1
            ) AS n
        )

        SELECT
            min(b.dossier_id) AS dossier_id,
            array_agg(s.name ORDER BY b.source_id) AS sources
        FROM firsts AS b
        INNER JOIN motcua.sources AS s ON b.source_id = s.source_id
    ) AS f
INNER JOIN LATERAL (
    SELECT w.seen_at
    FROM motcua.dossier_versions AS w
    WHERE w.dossier_id = f.dossier_id
    ORDER BY w.version_id
    LIMIT 1
) AS v ON TRUE
WHERE g.enabled_from IS NOT NULL
ORDER BY g.agency_code
