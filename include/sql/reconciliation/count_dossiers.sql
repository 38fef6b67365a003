-- Dossiers by agency and procedure in [start, end), as they had been read by the cut-off. Received, resolved (result
-- released, handed over or withdrawn) and handed over go by their dates; the appointed day, and whether the clock runs,
-- are those of the dossier's row at the end of the period. Days are days of Vietnam. Called by store/closings.py.
WITH ended AS (
    SELECT DISTINCT ON (v.dossier_id)
        v.dossier_id,
        v.status_code,
        v.due_at
    FROM audit.dossiers AS c
    INNER JOIN audit.dossier_versions AS v ON c.dossier_id = v.dossier_id
    WHERE
        -- Only of a row that was changed since is the end of the period to be looked for.
        coalesce(c.updated_at >= %(end)s, TRUE)
        AND v.version_id <= %(known_version)s AND coalesce(v.updated_at, v.seen_at) < %(end)s
    ORDER BY v.dossier_id, v.version_id DESC
),

dossiers AS (
    SELECT
        d.agency_code,
        d.procedure_code,
        d.submitted_via,
        d.status_code,
        d.received_at,
        d.returned_at,
        CASE
            WHEN d.status_code IN (7, 9, 10) THEN coalesce(d.finished_at, d.returned_at, d.updated_at)
        END AS resolved_at,
        CASE WHEN e.dossier_id IS NULL THEN d.status_code ELSE e.status_code END AS status_at_end,
        (
            CASE WHEN e.dossier_id IS NULL THEN d.due_at ELSE e.due_at END AT TIME ZONE 'Asia/Ho_Chi_Minh'
        )::date AS due_day
    FROM audit.dossiers_as_of(%(known_version)s) AS d
    LEFT JOIN ended AS e ON d.dossier_id = e.dossier_id AND coalesce(d.updated_at >= %(end)s, TRUE)
    WHERE
        d.status_code IS DISTINCT FROM 1 AND d.status_code IS DISTINCT FROM 3
        -- Nothing else can be in a period's figures.
        AND (
            d.received_at < %(end)s
            OR coalesce(d.updated_at >= %(end)s, TRUE)
            OR (d.due_at >= %(start)s AND d.due_at < %(end)s)
            OR (d.returned_at >= %(start)s AND d.returned_at < %(end)s)
            OR (d.finished_at >= %(start)s AND d.finished_at < %(end)s)
            OR (d.updated_at >= %(start)s AND d.updated_at < %(end)s)
        )
),

judged AS (
    SELECT
        d.agency_code,
        d.procedure_code,
        d.submitted_via,
        d.status_code,
        coalesce(d.status_at_end IN (5, 6, 8), FALSE) AS is_paused,
        coalesce(d.received_at >= %(start)s AND d.received_at < %(end)s, FALSE) AS is_received,
        coalesce(
            d.received_at < %(start)s AND coalesce(d.resolved_at >= %(start)s, d.resolved_at IS NULL), FALSE
        ) AS is_carried_over,
        coalesce(d.resolved_at >= %(start)s AND d.resolved_at < %(end)s, FALSE) AS is_resolved,
        (d.resolved_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS resolved_day,
        coalesce(
            d.received_at < %(end)s AND coalesce(d.resolved_at >= %(end)s, d.resolved_at IS NULL), FALSE
        ) AS is_open,
        coalesce(d.returned_at >= %(start)s AND d.returned_at < %(end)s, FALSE) AS is_handed_over,
        d.due_day,
        coalesce(d.due_day <= %(last_day)s, FALSE) AS is_late
    FROM dossiers AS d
)

SELECT
    j.agency_code,
    j.procedure_code,
    count(*) FILTER (WHERE j.is_carried_over) AS carried_over,
    count(*) FILTER (WHERE j.is_received) AS received,
    count(*) FILTER (WHERE j.is_received AND j.submitted_via = 'online') AS received_online,
    count(*) FILTER (WHERE j.is_received AND j.submitted_via = 'postal') AS received_postal,
    count(*) FILTER (WHERE j.is_resolved AND j.resolved_day < j.due_day) AS resolved_early,
    count(*) FILTER (WHERE j.is_resolved AND j.resolved_day = j.due_day) AS resolved_on_time,
    count(*) FILTER (WHERE j.is_resolved AND j.resolved_day > j.due_day) AS resolved_late,
    count(*) FILTER (WHERE j.is_resolved AND j.due_day IS NULL) AS resolved_without_due,
    count(*) FILTER (WHERE j.is_resolved AND j.status_code = 7) AS withdrawn,
    count(*) FILTER (WHERE j.is_open AND NOT j.is_paused AND NOT j.is_late)
        AS open_in_time,
    count(*) FILTER (WHERE j.is_open AND NOT j.is_paused AND j.is_late) AS open_late,
    count(*) FILTER (WHERE j.is_open AND j.is_paused AND NOT j.is_late) AS paused_in_time,
    count(*) FILTER (WHERE j.is_open AND j.is_paused AND j.is_late) AS paused_late,
    count(*) FILTER (WHERE j.due_day BETWEEN %(first_day)s AND %(last_day)s) AS due,
    count(*) FILTER (WHERE j.is_handed_over) AS handed_over
FROM judged AS j
GROUP BY j.agency_code, j.procedure_code
HAVING
    count(*) FILTER (
        WHERE
        j.is_carried_over OR j.is_received OR j.is_resolved OR j.is_open OR j.is_handed_over
        OR j.due_day BETWEEN %(first_day)s AND %(last_day)s
    ) > 0
ORDER BY j.agency_code, j.procedure_code
