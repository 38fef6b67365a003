-- Dossiers that were being worked on at an evening and are due on one of its days, judged from the source's own rows
-- alone: by the newer of the last transition recorded by then and the row, where that is not younger.
-- Called by sources/counting.py.
WITH evenings AS (
    SELECT e.*
    FROM
        unnest(
            %(agency_codes)s::text[], %(evenings)s::timestamptz[], %(first_days)s::date[], %(last_days)s::date[]
        ) AS e (agency_code, evening_at, first_day, last_day)
),

due AS (
    SELECT
        d.agency_code,
        d.dossier_code,
        d.procedure_code,
        d.returned_at,
        d.status_code,
        d.updated_at,
        e.evening_at,
        CASE
            WHEN d.received_at BETWEEN '2000-01-01' AND '9000-01-01'
                THEN (d.received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
        END AS received_day,
        (d.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS due_day
    FROM source_dossiers AS d
    INNER JOIN evenings AS e
        ON
            d.agency_code = e.agency_code
            AND d.due_at >= e.first_day::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh'
            AND d.due_at < (e.last_day + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh'
    WHERE
        d.due_at >= (SELECT min(f.first_day) FROM evenings AS f)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh'
        AND d.due_at < ((SELECT max(l.last_day) FROM evenings AS l) + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh'
),

judged AS (
    SELECT
        d.*,
        l.occurred_at AS moved_at,
        CASE
            WHEN d.updated_at <= d.evening_at AND coalesce(d.updated_at >= l.recorded_at, TRUE) THEN d.status_code
            ELSE l.status_code
        END AS status_then
    FROM due AS d
    LEFT JOIN LATERAL (
        SELECT
            t.status_code,
            t.recorded_at,
            t.occurred_at
        FROM source_transitions AS t
        WHERE
            t.agency_code = d.agency_code AND t.dossier_code = d.dossier_code
            AND t.recorded_at <= d.evening_at AND t.status_code = any(%(known_codes)s::int[])
        ORDER BY t.transition_id DESC
        LIMIT 1
    ) AS l ON TRUE
)

SELECT
    j.agency_code,
    j.dossier_code,
    j.procedure_code,
    'apology' AS kind,
    '{}'::bigint[] AS numbers,
    j.due_day,
    j.evening_at AS occurred_at,
    j.evening_at AS recorded_at
FROM judged AS j
WHERE
    j.status_then = any(%(working_codes)s::int[])
    AND coalesce(j.received_day < j.due_day, TRUE)
    AND (j.returned_at IS NULL OR j.returned_at > j.evening_at OR coalesce(j.moved_at > j.returned_at, FALSE))
