-- Number of the client that a session is of; NULL: nobody's. Called by include/sql/intake/whose.sql.
CREATE OR REPLACE FUNCTION intake.whose(session_digest bytea) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT c.client_id FROM intake.known_client(session_digest) AS c
$$;
COMMENT ON FUNCTION intake.whose(bytea) IS 'Number of the client that a session is of.';
