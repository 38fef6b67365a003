-- Entries into the conditions that call for a result or a supplement, recorded in [start, end), counted from the
-- source's own rows alone: each with all its transitions. A row newer than the last transition that calls for something
-- else is an entry too, without a number. A transition that names no dossier is one by itself. A dossier in two rows
-- brings its entries twice. Rows with a status that nobody knows are left out, and times that Python cannot hold come
-- as NULL. Called by sources/counting.py.
WITH steps AS (
    SELECT
        t.agency_code,
        t.dossier_code,
        t.transition_id,
        t.occurred_at,
        t.recorded_at,
        CASE
            WHEN t.at_one_stop_desk AND t.status_code = any(%(result_codes)s::int[]) THEN 'result'
            WHEN t.at_one_stop_desk AND t.status_code = any(%(supplement_codes)s::int[]) THEN 'supplement'
        END AS kind
    FROM source_transitions AS t
    WHERE
        t.transition_id IS NOT NULL
        AND t.status_code = any(%(known_codes)s::int[])
        AND (t.agency_code, t.dossier_code) IN (
            SELECT w.agency_code, w.dossier_code FROM source_transitions AS w
            WHERE w.recorded_at >= %(start)s AND w.recorded_at < %(end)s
        )
),

begun AS (
    SELECT
        s.*,
        (s.kind IS DISTINCT FROM lag(s.kind) OVER w) AS begins
    FROM steps AS s
    WINDOW w AS (PARTITION BY s.agency_code, s.dossier_code ORDER BY s.transition_id)
),

numbered AS (
    SELECT
        b.*,
        count(*) FILTER (WHERE b.begins) OVER (
            PARTITION BY b.agency_code, b.dossier_code ORDER BY b.transition_id
        ) AS entry
    FROM begun AS b
),

entries AS (
    SELECT
        n.agency_code,
        n.dossier_code,
        n.kind,
        array_agg(n.transition_id ORDER BY n.transition_id) AS numbers,
        (array_agg(n.occurred_at ORDER BY n.transition_id))[1] AS occurred_at,
        (array_agg(n.recorded_at ORDER BY n.transition_id))[1] AS recorded_at
    FROM numbered AS n
    WHERE n.kind IS NOT NULL
    GROUP BY n.agency_code, n.dossier_code, n.kind, n.entry
),

rows_ahead AS (
    SELECT
        d.agency_code,
        d.dossier_code,
        d.procedure_code,
        d.kind,
        d.updated_at
    FROM (
        SELECT
            s.agency_code,
            s.dossier_code,
            s.procedure_code,
            s.updated_at,
            CASE
                WHEN s.status_code = any(%(result_codes)s::int[]) THEN 'result'
                WHEN s.status_code = any(%(supplement_codes)s::int[]) THEN 'supplement'
            END AS kind
        FROM source_dossiers AS s
        WHERE
            s.updated_at >= %(start)s AND s.updated_at < %(end)s AND s.at_one_stop_desk
            AND s.status_code = any(%(result_codes)s::int[] || %(supplement_codes)s::int[])
    ) AS d
    LEFT JOIN LATERAL (
        SELECT
            t.recorded_at,
            CASE
                WHEN t.at_one_stop_desk AND t.status_code = any(%(result_codes)s::int[]) THEN 'result'
                WHEN t.at_one_stop_desk AND t.status_code = any(%(supplement_codes)s::int[]) THEN 'supplement'
            END AS kind
        FROM source_transitions AS t
        WHERE
            t.agency_code = d.agency_code AND t.dossier_code = d.dossier_code
            AND t.status_code = any(%(known_codes)s::int[])
        ORDER BY t.transition_id DESC
        LIMIT 1
    ) AS l ON TRUE
    WHERE d.kind IS DISTINCT FROM l.kind AND coalesce(d.updated_at > l.recorded_at, l.recorded_at IS NULL)
)

SELECT
    e.agency_code,
    e.dossier_code,
    d.procedure_code,
    e.kind,
    e.numbers,
    CASE WHEN e.occurred_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN e.occurred_at END
        AS occurred_at,
    e.recorded_at
FROM entries AS e
LEFT JOIN source_dossiers AS d ON e.agency_code = d.agency_code AND e.dossier_code = d.dossier_code
WHERE e.recorded_at >= %(start)s AND e.recorded_at < %(end)s
UNION ALL
SELECT
    r.agency_code,
    r.dossier_code,
    r.procedure_code,
    r.kind,
    '{}'::bigint[] AS numbers,
    r.updated_at AS occurred_at,
    r.updated_at AS recorded_at
FROM rows_ahead AS r
UNION ALL
SELECT
    t.agency_code,
    t.dossier_code,
    NULL AS procedure_code,
    CASE WHEN t.status_code = any(%(result_codes)s::int[]) THEN 'result' ELSE 'supplement' END AS kind,
    ARRAY[t.transition_id] AS numbers,
    t.recorded_at AS occurred_at,
    t.recorded_at
FROM source_transitions AS t
WHERE
    t.recorded_at >= %(start)s AND t.recorded_at < %(end)s
    AND (t.agency_code IS NULL OR t.dossier_code IS NULL) AND t.transition_id IS NOT NULL
    AND t.at_one_stop_desk AND t.status_code = any(%(result_codes)s::int[] || %(supplement_codes)s::int[])
