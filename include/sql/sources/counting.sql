-- Count the occasions of a source from its own rows alone (source_dossiers and source_transitions, the source's tables
-- as its adapter shows them). An occasion is the event that a message is about, such as a dossier that reaches its
-- result. The count shares no code with the planning of messages, so that each checks the other. A dossier with two
-- rows counts its occasions twice. Times that Python cannot hold become NULL. Called by sources/counting.py.

-- name: codes_in_use
-- Return those of the given agency codes that occur in the source's rows (source_transitions, source_dossiers).
SELECT c.written
FROM unnest(%(codes)s::text[]) AS c (written)
WHERE
    EXISTS (SELECT 1 FROM source_transitions AS t WHERE t.agency_code = c.written)
    OR EXISTS (SELECT 1 FROM source_dossiers AS d WHERE d.agency_code = c.written);

-- name: occasions
-- Return the occasions of results and supplements that were recorded in [start, end), each with all its transitions
-- (source_transitions, source_dossiers). An occasion begins when a dossier enters a state that requires a result
-- message or a supplement message. If a dossier's row is newer than its last transition and requires a message that the
-- transition does not, the row is an occasion without transitions. A transition that lacks its agency or dossier code
-- is a separate occasion. Rows with an unknown status are left out.
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
    AND t.at_one_stop_desk AND t.status_code = any(%(result_codes)s::int[] || %(supplement_codes)s::int[]);

-- name: occasions_by_day
-- Return how many results and supplements were recorded on each day of [start, end), by agency, procedure and kind, and
-- how many of them happened before the agency was enabled (source_transitions, source_dossiers). A day is a day in
-- Vietnam's time zone. Rows that are newer than their last transition, and transitions without an agency or dossier
-- code, are left out. The stored figures of a day count them with the SQL statement "occasions". A day that has them
-- therefore seems to have changed, and its figures are computed and stored again without need.
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
GROUP BY 1, 2, 3, 4;

-- name: apologies_due
-- Return the dossiers for which an apology was due on one of the given evenings (source_dossiers, source_transitions).
-- Such a dossier was in progress on the evening and is due on one of the evening's days (first_days to last_days). Its
-- status on that evening comes from its row or from its last transition recorded by then, whichever is newer. A row
-- that changed after the evening does not count. An old step is a transition that was typed in late: it happened well
-- before a transition with a lower number, and was recorded since old_steps_since. It counts only if the dossier's row
-- agrees with it; the row then gives the status.
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
    -- Find the dossier's last transition recorded by the evening, and the last of these that is not an old step.
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
                        -- A time outside these limits can overflow when an interval is added to it.
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
    AND (j.returned_at IS NULL OR j.returned_at > j.evening_at OR coalesce(j.moved_at > j.returned_at, FALSE));
