-- A dossier's last step recorded by a moment that is no old one, by what was known up to a version and a transition;
-- row_speaks: an old step came after it that counts, or that no row has judged yet, so that the dossier's row says how
-- it stands.
CREATE OR REPLACE FUNCTION motcua.last_step(
    of_dossier bigint, moment timestamptz, known_version bigint, known_transition bigint
)
RETURNS TABLE (
    to_step text, status_code smallint, occurred_at timestamptz, recorded_at timestamptz, picked_up_at timestamptz,
    row_speaks boolean
)
LANGUAGE sql STABLE AS $$
    SELECT t.to_step, t.status_code, t.occurred_at, t.recorded_at, t.picked_up_at, coalesce(o.row_speaks, FALSE)
    FROM (
        SELECT n.*
        FROM motcua.transitions AS n
        WHERE
            n.dossier_id = of_dossier AND n.recorded_at <= moment AND n.transition_id <= known_transition
            AND NOT EXISTS (
                SELECT 1 FROM motcua.old_steps AS s
                WHERE s.transition_id = n.transition_id AND s.known_from <= known_transition
            )
        ORDER BY n.sequence DESC, n.from_row DESC, n.transition_id DESC
        LIMIT 1
    ) AS t
    LEFT JOIN LATERAL (
        SELECT coalesce(s.version_id > known_version, TRUE) OR s.has_force AS row_speaks
        FROM motcua.old_steps AS s
        INNER JOIN motcua.transitions AS n ON s.transition_id = n.transition_id
        WHERE
            s.dossier_id = of_dossier AND s.known_from <= known_transition AND n.recorded_at <= moment
            AND (n.sequence, n.from_row, n.transition_id) > (t.sequence, t.from_row, t.transition_id)
        ORDER BY n.sequence DESC, n.from_row DESC, n.transition_id DESC
        LIMIT 1
    ) AS o ON TRUE
$$;
COMMENT ON FUNCTION motcua.last_step(bigint, timestamptz, bigint, bigint)
IS 'A dossier''s last step recorded by a moment that is no old one, by what was known up to a version and a transition; row_speaks: an old step came after it that counts, or that no row has judged yet, so that the dossier''s row says how it stands.';
