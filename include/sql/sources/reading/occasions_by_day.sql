-- How many results and supplements were recorded on each day of [start, end), a day of Vietnam, counted from the
-- source's own transitions alone. Called by sources/counting.py.
WITH steps AS (
    SELECT
        t.agency_code,
        t.dossier_code,
        t.transition_id,
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
        s.kind,
        s.recorded_at,
        (s.kind IS DISTINCT FROM lag(s.kind) OVER w) AS begins
    FROM steps AS s
    WINDOW w AS (PARTITION BY s.agency_code, s.dossier_code ORDER BY s.transition_id)
)

SELECT
    (b.recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day,
    count(*) AS occasions
FROM begun AS b
WHERE b.kind IS NOT NULL AND b.begins AND b.recorded_at >= %(start)s AND b.recorded_at < %(end)s
GROUP BY 1
