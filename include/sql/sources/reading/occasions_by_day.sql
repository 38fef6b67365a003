-- How many results and supplements were recorded on each day of [start, end), a day of Vietnam, by agency, procedure
-- and kind, and how many of them lie before the agency's beginning, counted from the source's own rows alone. A dossier
-- in two rows brings its entries twice. They are those of occasions.sql, but for rows newer than their last transition,
-- and transitions that name no dossier: a day that has such is looked at again though nothing changed.
-- Called by sources/counting.py.
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

scopes AS (
    SELECT s.*
    FROM unnest(%(scopes)s::text[], %(enabled_from)s::timestamptz[]) AS s (agency_code, enabled_from)
)

SELECT
    (b.recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day,
    b.agency_code,
    d.procedure_code,
    b.kind,
    count(*) AS at_source,
    count(*) FILTER (
        WHERE c.agency_code IS NOT NULL AND coalesce(
            CASE
                WHEN b.occurred_at >= timestamptz '2000-01-01' THEN least(b.occurred_at, b.recorded_at)
                ELSE b.recorded_at
            END < c.enabled_from, TRUE
        )
    ) AS out_of_scope
FROM begun AS b
LEFT JOIN source_dossiers AS d ON b.agency_code = d.agency_code AND b.dossier_code = d.dossier_code
LEFT JOIN scopes AS c ON b.agency_code = c.agency_code
WHERE b.kind IS NOT NULL AND b.begins AND b.recorded_at >= %(start)s AND b.recorded_at < %(end)s
GROUP BY 1, 2, 3, 4
