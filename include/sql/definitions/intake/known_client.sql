-- The client that a session is of, while the session lasts and the client is not disabled; no row: nobody's. Called by
-- the functions of this folder alone, which run as the owner.
CREATE OR REPLACE FUNCTION intake.known_client(session_digest bytea) RETURNS SETOF intake.clients LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT c.*
    FROM intake.sessions AS s
    INNER JOIN intake.clients AS c ON s.client_id = c.client_id
    WHERE s.token_digest = session_digest AND s.expires_at > clock_timestamp() AND c.disabled_at IS NULL
$$;
COMMENT ON FUNCTION intake.known_client(bytea) IS 'The client that a session is of, or no row.';
