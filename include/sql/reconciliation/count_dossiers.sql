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
        CASE WHEN e.dossier_id IS NULL THEN d.due_at ELSE e.due_at END AS due_at
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

-- Grouped by what is true of a dossier, so that each is judged once however many figures it is in.
judged AS (
    SELECT
        d.agency_code,
        d.procedure_code,
        d.submitted_via,
        d.status_code = 7 AS is_withdrawn,
        coalesce(d.status_at_end IN (5, 6, 8), FALSE) AS is_paused,
        coalesce(d.received_at >= %(start)s AND d.received_at < %(end)s, FALSE) AS is_received,
        coalesce(
            d.received_at < %(start)s AND coalesce(d.resolved_at >= %(start)s, d.resolved_at IS NULL), FALSE
        ) AS is_carried_over,
        coalesce(d.resolved_at >= %(start)s AND d.resolved_at < %(end)s, FALSE) AS is_resolved,
        CASE
            WHEN d.resolved_at >= %(start)s AND d.resolved_at < %(end)s
                THEN sign(
                    (d.resolved_at AT TIME ZONE interval '+07:00')::date
                    - (d.due_at AT TIME ZONE interval '+07:00')::date
                )
        END AS is_over,
        coalesce(
            d.received_at < %(end)s AND coalesce(d.resolved_at >= %(end)s, d.resolved_at IS NULL), FALSE
        ) AS is_open,
        coalesce(d.returned_at >= %(start)s AND d.returned_at < %(end)s, FALSE) AS is_handed_over,
        coalesce(d.due_at < %(end)s, FALSE) AS is_late,
        coalesce(d.due_at >= %(start)s AND d.due_at < %(end)s, FALSE) AS is_due,
        count(*) AS dossiers
    FROM dossiers AS d
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
),

figures AS (
    SELECT
        j.agency_code,
        j.procedure_code,
        sum(j.dossiers) FILTER (WHERE j.is_carried_over) AS carried_over,
        sum(j.dossiers) FILTER (WHERE j.is_received) AS received,
        sum(j.dossiers) FILTER (WHERE j.is_received AND j.submitted_via = 'online') AS received_online,
        sum(j.dossiers) FILTER (WHERE j.is_received AND j.submitted_via = 'postal') AS received_postal,
        sum(j.dossiers) FILTER (WHERE j.is_over < 0) AS resolved_early,
        sum(j.dossiers) FILTER (WHERE j.is_over = 0) AS resolved_on_time,
        sum(j.dossiers) FILTER (WHERE j.is_over > 0) AS resolved_late,
        sum(j.dossiers) FILTER (WHERE j.is_resolved AND j.is_over IS NULL) AS resolved_without_due,
        sum(j.dossiers) FILTER (WHERE j.is_resolved AND j.is_withdrawn) AS withdrawn,
        sum(j.dossiers) FILTER (WHERE j.is_open AND NOT j.is_paused AND NOT j.is_late) AS open_in_time,
        sum(j.dossiers) FILTER (WHERE j.is_open AND NOT j.is_paused AND j.is_late) AS open_late,
        sum(j.dossiers) FILTER (WHERE j.is_open AND j.is_paused AND NOT j.is_late) AS paused_in_time,
        sum(j.dossiers) FILTER (WHERE j.is_open AND j.is_paused AND j.is_late) AS paused_late,
        sum(j.dossiers) FILTER (WHERE j.is_due) AS due,
        sum(j.dossiers) FILTER (WHERE j.is_handed_over) AS handed_over
    FROM judged AS j
    WHERE j.is_carried_over OR j.is_received OR j.is_resolved OR j.is_open OR j.is_handed_over OR j.is_due
    GROUP BY j.agency_code, j.procedure_code
)

SELECT
    f.agency_code,
    f.procedure_code,
    coalesce(f.carried_over, 0)::bigint AS carried_over,
    coalesce(f.received, 0)::bigint AS received,
    coalesce(f.received_online, 0)::bigint AS received_online,
    coalesce(f.received_postal, 0)::bigint AS received_postal,
    coalesce(f.resolved_early, 0)::bigint AS resolved_early,
    coalesce(f.resolved_on_time, 0)::bigint AS resolved_on_time,
    coalesce(f.resolved_late, 0)::bigint AS resolved_late,
    coalesce(f.resolved_without_due, 0)::bigint AS resolved_without_due,
    coalesce(f.withdrawn, 0)::bigint AS withdrawn,
    coalesce(f.open_in_time, 0)::bigint AS open_in_time,
    coalesce(f.open_late, 0)::bigint AS open_late,
    coalesce(f.paused_in_time, 0)::bigint AS paused_in_time,
    coalesce(f.paused_late, 0)::bigint AS paused_late,
    coalesce(f.due, 0)::bigint AS due,
    coalesce(f.handed_over, 0)::bigint AS handed_over
FROM figures AS f
ORDER BY f.agency_code, f.procedure_code
