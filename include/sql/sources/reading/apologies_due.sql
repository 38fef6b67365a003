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
                        l.last_is_old
                        AND (
                            d.calls_for = l.last_calls_for OR (l.calls_for <> 0 AND l.calls_for <> d.calls_for)
                        )
                    )
                )
                THEN d.status_code
            ELSE l.status_code
        END AS status_then
    FROM due AS d
    -- The dossier's steps that were recorded by the evening: the last one that is no old one, and the last one.
    LEFT JOIN LATERAL (
        SELECT
            (array_agg(o.status_code ORDER BY o.transition_id DESC) FILTER (WHERE NOT o.is_old))[1] AS status_code,
            (array_agg(o.recorded_at ORDER BY o.transition_id DESC) FILTER (WHERE NOT o.is_old))[1] AS recorded_at,
            (array_agg(o.occurred_at ORDER BY o.transition_id DESC) FILTER (WHERE NOT o.is_old))[1] AS occurred_at,
            (array_agg(o.calls_for ORDER BY o.transition_id DESC) FILTER (WHERE NOT o.is_old))[1] AS calls_for,
            (array_agg(o.is_old ORDER BY o.transition_id DESC))[1] AS last_is_old,
            (array_agg(o.calls_for ORDER BY o.transition_id DESC))[1] AS last_calls_for
        FROM (
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
                        ORDER BY s.transition_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                    ) - 2 * %(clock_skew)s::interval AS sure_before
                FROM (
                    SELECT
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
                            WHEN
                                t.occurred_at >= timestamptz '2000-01-01'
                                AND t.occurred_at <= t.recorded_at + %(clock_skew)s::interval
                                THEN least(t.occurred_at, t.recorded_at)
                        END AS happened_at
                    FROM source_transitions AS t
                    WHERE
                        t.agency_code = d.agency_code AND t.dossier_code = d.dossier_code
                        AND t.recorded_at <= d.evening_at AND t.status_code = any(%(known_codes)s::int[])
                        -- Beyond these a time can be neither added to nor taken from.
                        AND t.recorded_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01'
                ) AS s
            ) AS f
        ) AS o
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
