-- Dossiers that one of the asked codes may mean, as they stand: of the dossier's row and its last step the newer one
-- tells step and status, after an old step that counts, or waits to be judged, the row. No number and no name: of whose
-- a dossier is no more is said than whether it is the asking phone's, and that only where the code is not one
-- dossier's alone: of one alone all that ask are told.
CREATE OR REPLACE FUNCTION motcua.asked_dossiers(code_keys text[], asking_phone text)
RETURNS TABLE (
    dossier_id bigint, agency_code text, dossier_code text, procedure_code text, accented boolean, due_at timestamptz,
    finished_at timestamptz, returned_at timestamptz, step_name text, status_code smallint, is_askers boolean,
    as_of timestamptz, status_since timestamptz, told_result boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        d.dossier_id,
        d.agency_code,
        d.dossier_code,
        d.procedure_code,
        g.accented,
        d.due_at,
        d.finished_at,
        d.returned_at,
        s.step_name,
        s.status_code,
        coalesce(d.msisdn = asking_phone, FALSE) AND count(*) OVER (PARTITION BY motcua.code_key(d.dossier_code)) > 1
            AS is_askers,
        CASE WHEN l.is_newer THEN greatest(d.picked_up_at, l.picked_up_at) ELSE d.picked_up_at END AS as_of,
        coalesce(
            (
                SELECT min(t.occurred_at)
                FROM motcua.transitions AS t
                WHERE
                    t.dossier_id = d.dossier_id
                    AND t.status_code = any(a.alike)
                    AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS p WHERE p.transition_id = t.transition_id)
                    AND NOT EXISTS (
                        SELECT 1
                        FROM motcua.transitions AS o
                        WHERE
                            o.dossier_id = d.dossier_id
                            AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS p WHERE p.transition_id = o.transition_id)
                            AND (o.sequence, o.from_row, o.transition_id) > (t.sequence, t.from_row, t.transition_id)
                            AND o.status_code <> all(a.alike)
                    )
            ),
            d.updated_at
        ) AS status_since,
        d.returned_at IS NULL AND coalesce(s.status_code, 0) <> 10 AND EXISTS (
            SELECT 1
            FROM motcua.messages AS m
            WHERE
                m.dossier_id = d.dossier_id
                AND m.kind = 'result'
                AND m.state IN ('accepted', 'delivered', 'unconfirmed')
        ) AS told_result
    FROM motcua.dossiers AS d
    INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
    LEFT JOIN LATERAL (
        SELECT
            t.to_step,
            t.status_code,
            t.picked_up_at,
            NOT (t.row_speaks AND d.status_code IS NOT NULL) AND t.recorded_at > coalesce(d.updated_at, '-infinity')
                AS is_newer
        FROM motcua.last_step(d.dossier_id, 'infinity', 9223372036854775807, 9223372036854775807) AS t
    ) AS l ON TRUE
    INNER JOIN LATERAL (
        SELECT
            CASE WHEN l.is_newer THEN coalesce(l.to_step, d.step_name) ELSE d.step_name END AS step_name,
            CASE WHEN l.is_newer THEN l.status_code ELSE d.status_code END AS status_code
    ) AS s ON TRUE
    INNER JOIN LATERAL (
        SELECT
            CASE
                WHEN s.status_code IN (5, 6, 8) THEN ARRAY[5, 6, 8]
                WHEN s.status_code IN (9, 10) THEN ARRAY[9, 10]
                ELSE ARRAY[s.status_code::integer]
            END AS alike
    ) AS a ON TRUE
    WHERE motcua.code_key(d.dossier_code) = any(code_keys)
    ORDER BY is_askers DESC, d.dossier_id
    LIMIT 1000;
END
$$;
COMMENT ON FUNCTION motcua.asked_dossiers(text[], text)
IS 'Dossiers that one of the asked codes may mean, as they stand, the asking phone''s first; no number and no name.';
