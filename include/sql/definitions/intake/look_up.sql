-- Which of these dossiers, by code, a client's agencies have been pushed, and their status; nothing of a citizen.
-- Called by include/sql/intake/look_up.sql.
CREATE OR REPLACE FUNCTION intake.look_up(
    session_digest bytea, codes text[]
) RETURNS TABLE (dossier_code text, status_code smallint) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT d.dossier_code, d.status_code
    FROM intake.known_client(session_digest) AS c
    INNER JOIN intake.client_agencies AS a ON c.client_id = a.client_id
    INNER JOIN intake.pushed_dossiers AS d ON c.source = d.source AND a.agency_code = d.agency_code
    WHERE d.dossier_code = any(codes)
    ORDER BY d.dossier_no
    LIMIT 100
$$;
COMMENT ON FUNCTION intake.look_up(bytea, text[]) IS 'Which of these dossiers a client''s agencies have been pushed.';
