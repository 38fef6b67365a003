-- Dossiers that were being worked on at an evening and are due on one of its days, judged from the source's own rows
-- alone: by the newer of the last transition recorded by then and the row, where that is not younger. A transition
-- recorded since the rule about old steps holds, and typed in late, after one of a lower number, counts only as far as
-- the row agrees: where it does, the row tells the status. Called by sources/counting.py.
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
        CASE
            WHEN d.at_one_stop_desk AND d.status_code = any(%(result_codes)s::int[]) THEN 9
            WHEN d.at_one_stop_desk AND d.status_code = any(%(supplement_codes)s::int[]) THEN 5
            ELSE 0
        END AS calls_for,
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

steps AS (
    SELECT
        t.agency_code,
        t.dossier_code,
        t.transition_id,
        t.status_code,
        t.recorded_at,
        t.occurred_at,
        CASE
            WHEN t.at_one_stop_desk AND t.status_code = any(%(result_codes)s::int[]) THEN 9
            WHEN t.at_one_stop_desk AND t.status_code = any(%(supplement_codes)s::int[]) THEN 5
            ELSE 0
        END AS calls_for,
        CASE
            WHEN t.occurred_at >= timestamptz '2000-01-01' AND t.occurred_at <= t.recorded_at + %(clock_skew)s::interval
                THEN least(t.occurred_at, t.recorded_at)
        END AS happened_at
    FROM source_transitions AS t
    WHERE
        t.status_code = any(%(known_codes)s::int[])
        AND (t.agency_code, t.dossier_code) IN (SELECT d.agency_code, d.dossier_code FROM due AS d)
),

timed AS (
    SELECT
        f.*,
        coalesce(
            f.recorded_at >= %(old_steps_since)s
            AND f.status_code <> all(%(ending_codes)s::int[])
            AND (f.happened_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::time <> '00:00'
            AND f.happened_at < f.sure_before AND f.sure_before <= f.recorded_at,
            FALSE
        ) AS is_old
    FROM (
        SELECT
            s.*,
            max(coalesce(s.happened_at, s.recorded_at)) OVER (
                PARTITION BY s.agency_code, s.dossier_code
                ORDER BY s.transition_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) - 2 * %(clock_skew)s::interval AS sure_before
        FROM steps AS s
    ) AS f
),

-- The last step of each sort that was recorded by the evening.
last_steps AS (
    SELECT DISTINCT ON (e.agency_code, e.dossier_code, e.evening_at, t.is_old)
        e.agency_code,
        e.dossier_code,
        e.evening_at,
        t.is_old,
        t.transition_id,
        t.status_code,
        t.recorded_at,
        t.occurred_at,
        t.calls_for
    FROM (SELECT DISTINCT d.agency_code, d.dossier_code, d.evening_at FROM due AS d) AS e
    INNER JOIN timed AS t
        ON e.agency_code = t.agency_code AND e.dossier_code = t.dossier_code AND e.evening_at >= t.recorded_at
    ORDER BY e.agency_code, e.dossier_code, e.evening_at, t.is_old, t.transition_id DESC
),

judged AS (
    SELECT
        d.*,
        l.occurred_at AS moved_at,
        CASE
            WHEN
                d.updated_at <= d.evening_at
                AND (
                    coalesce(d.updated_at >= l.recorded_at, TRUE)
                    OR (
                        o.transition_id > l.transition_id
                        AND (d.calls_for = o.calls_for OR (l.calls_for <> 0 AND l.calls_for <> d.calls_for))
                    )
                )
                THEN d.status_code
            ELSE l.status_code
        END AS status_then
    FROM due AS d
    LEFT JOIN last_steps AS l
        ON
            d.agency_code = l.agency_code AND d.dossier_code = l.dossier_code AND d.evening_at = l.evening_at
            AND NOT l.is_old
    LEFT JOIN last_steps AS o
        ON
            d.agency_code = o.agency_code AND d.dossier_code = o.dossier_code AND d.evening_at = o.evening_at
            AND o.is_old
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
