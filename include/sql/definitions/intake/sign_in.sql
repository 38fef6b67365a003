-- Opens a session for a client that shows its password, and deletes its old ones; FALSE: no such client, another
-- password, or it is disabled. Hashes are compared, of a password that is as random as a key, under a salt that nobody
-- outside knows: how long that takes tells nothing. The one way to a session but for sign_in_from. Called by
-- include/sql/intake/sign_in.sql.
CREATE OR REPLACE FUNCTION intake.sign_in(
    client_name text, shown_digest bytea, session_digest bytea, lasts interval
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    known bigint;
BEGIN
    SELECT c.client_id INTO known
    FROM intake.clients AS c
    WHERE c.name = client_name AND c.disabled_at IS NULL AND c.password_digest = sha256(c.salt || shown_digest);
    IF known IS NULL THEN
        RETURN FALSE;
    END IF;
    DELETE FROM intake.sessions AS s WHERE s.client_id = known AND s.expires_at < moment;
    INSERT INTO intake.sessions (token_digest, client_id, expires_at)
    VALUES (session_digest, known, moment + least(lasts, interval '1 day'));
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION intake.sign_in(text, bytea, bytea, interval) IS 'Opens a session for a client that shows its password.';
