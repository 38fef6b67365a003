-- Dossiers that a period counts, by what was known up to a version, one row each.
CREATE OR REPLACE FUNCTION audit.dossiers_in_period(
    known_version bigint, starts timestamptz, ends timestamptz, only_agency text DEFAULT NULL
)
RETURNS TABLE (
    dossier_id bigint, agency_code text, procedure_code text, dossier_code text, received_at timestamptz,
    due_at timestamptz, resolved_at timestamptz, returned_at timestamptz,
    carried_over boolean, received boolean, received_online boolean, received_postal boolean, resolved_early boolean,
    resolved_on_time boolean, resolved_late boolean, resolved_without_due boolean, withdrawn boolean,
    open_in_time boolean, open_late boolean, paused_in_time boolean, paused_late boolean, due boolean,
    handed_over boolean
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        f.dossier_id, f.agency_code, f.procedure_code, f.dossier_code, f.received_at, f.due_at, f.resolved_at,
        f.returned_at,
        f.is_carried_over,
        f.is_received,
        f.is_received AND coalesce(f.submitted_via = 'online', FALSE),
        f.is_received AND coalesce(f.submitted_via = 'postal', FALSE),
        f.is_resolved AND coalesce(f.days_over < 0, FALSE),
        f.is_resolved AND coalesce(f.days_over = 0, FALSE),
        f.is_resolved AND coalesce(f.days_over > 0, FALSE),
        f.is_resolved AND f.days_over IS NULL,
        f.is_resolved AND f.status_code = 7,
        f.is_open AND NOT f.is_paused AND NOT f.is_overdue,
        f.is_open AND NOT f.is_paused AND f.is_overdue,
        f.is_open AND f.is_paused AND NOT f.is_overdue,
        f.is_open AND f.is_paused AND f.is_overdue,
        f.is_due,
        f.is_handed_over
    FROM (
        SELECT
            j.*,
            coalesce(j.received_at >= starts AND j.received_at < ends, FALSE) AS is_received,
            coalesce(j.received_at < starts AND coalesce(j.resolved_at >= starts, TRUE), FALSE) AS is_carried_over,
            coalesce(j.resolved_at >= starts AND j.resolved_at < ends, FALSE) AS is_resolved,
            -- Days of Vietnam.
            (j.resolved_at AT TIME ZONE interval '+07:00')::date
            - (j.due_at AT TIME ZONE interval '+07:00')::date AS days_over,
            coalesce(j.received_at < ends AND coalesce(j.resolved_at >= ends, TRUE), FALSE) AS is_open,
            coalesce(j.status_at_end IN (5, 6, 8), FALSE) AS is_paused,
            coalesce(j.due_at < ends, FALSE) AS is_overdue,
            coalesce(j.due_at >= starts AND j.due_at < ends, FALSE) AS is_due,
            coalesce(j.returned_at >= starts AND j.returned_at < ends, FALSE) AS is_handed_over
        FROM (
            SELECT
                d.dossier_id, d.agency_code, d.procedure_code, d.dossier_code, d.submitted_via, d.status_code,
                d.received_at, d.returned_at,
                CASE
                    WHEN d.status_code IN (7, 9, 10) THEN coalesce(d.finished_at, d.returned_at, d.updated_at)
                END AS resolved_at,
                CASE WHEN e.dossier_id IS NULL THEN d.status_code ELSE e.status_code END AS status_at_end,
                CASE WHEN e.dossier_id IS NULL THEN d.due_at ELSE e.due_at END AS due_at
            FROM audit.dossiers_as_of(known_version) AS d
            LEFT JOIN (
                SELECT DISTINCT ON (v.dossier_id) v.dossier_id, v.status_code, v.due_at
                FROM audit.dossiers AS c
                INNER JOIN audit.dossier_versions AS v ON c.dossier_id = v.dossier_id
                WHERE
                    -- Only of a row that was changed since is the end of the period to be looked for: a few, which
                    -- PostgreSQL can tell of a condition that is written so.
                    (c.updated_at >= ends OR c.updated_at IS NULL)
                    AND v.version_id <= known_version AND coalesce(v.updated_at, v.seen_at) < ends
                ORDER BY v.dossier_id, v.version_id DESC
            ) AS e ON d.dossier_id = e.dossier_id AND (d.updated_at >= ends OR d.updated_at IS NULL)
            WHERE
                (only_agency IS NULL OR d.agency_code = only_agency)
                AND d.status_code IS DISTINCT FROM 1 AND d.status_code IS DISTINCT FROM 3
                -- Nothing else can be in a period's figures.
                AND (
                    d.received_at < ends
                    OR d.updated_at >= ends OR d.updated_at IS NULL
                    OR (d.due_at >= starts AND d.due_at < ends)
                    OR (d.returned_at >= starts AND d.returned_at < ends)
                    OR (d.finished_at >= starts AND d.finished_at < ends)
                    OR (d.updated_at >= starts AND d.updated_at < ends)
                )
        ) AS j
        -- Each condition is computed once a dossier, not once a figure.
        OFFSET 0
    ) AS f
    WHERE f.is_carried_over OR f.is_received OR f.is_resolved OR f.is_open OR f.is_handed_over OR f.is_due
$$;
COMMENT ON FUNCTION audit.dossiers_in_period(bigint, timestamptz, timestamptz, text)
IS 'The dossiers that a period counts, of one agency or all, as known at a version, each with the figures that it is in.';
