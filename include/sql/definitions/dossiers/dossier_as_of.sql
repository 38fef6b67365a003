-- A dossier as it stood at a moment, by what was known up to a version and a transition: the last row not younger than
-- the moment (else the first one, for its dates alone), the last step recorded by then, and of the two the newer one's
-- status, or the row's where an old step lets it speak; handed over: its citizen had the result, and it was not moved
-- since. No row: not known at all.
CREATE OR REPLACE FUNCTION motcua.dossier_as_of(
    of_dossier bigint, moment timestamptz, known_version bigint, known_transition bigint
)
RETURNS TABLE (due_at timestamptz, received_at timestamptz, status_code smallint, handed_over boolean)
LANGUAGE sql STABLE AS $$
    SELECT
        r.due_at,
        r.received_at,
        CASE
            WHEN t.row_speaks AND r.is_of_then AND r.status_code IS NOT NULL THEN r.status_code
            WHEN NOT r.is_of_then OR t.recorded_at > coalesce(r.updated_at, '-infinity') THEN t.status_code
            ELSE r.status_code
        END,
        coalesce(r.is_of_then AND r.returned_at <= moment AND coalesce(t.occurred_at <= r.returned_at, TRUE), FALSE)
    FROM (
        SELECT
            v.due_at,
            v.received_at,
            v.status_code,
            v.returned_at,
            v.updated_at,
            coalesce(v.updated_at, v.seen_at) <= moment AS is_of_then
        FROM motcua.dossier_versions AS v
        WHERE v.dossier_id = of_dossier AND v.version_id <= known_version
        ORDER BY
            coalesce(v.updated_at, v.seen_at) <= moment DESC,
            CASE WHEN coalesce(v.updated_at, v.seen_at) <= moment THEN v.version_id END DESC,
            v.version_id
        LIMIT 1
    ) AS r
    LEFT JOIN LATERAL motcua.last_step(of_dossier, moment, known_version, known_transition) AS t ON TRUE
$$;
COMMENT ON FUNCTION motcua.dossier_as_of(bigint, timestamptz, bigint, bigint)
IS 'A dossier as it stood at a moment, by what was known up to a version and a transition: the last row not younger than the moment (else the first one, for its dates alone), the last step recorded by then, and of the two the newer one''s status, or the row''s where an old step lets it speak; handed over: its citizen had the result, and it was not moved since. No row: not known at all.';
