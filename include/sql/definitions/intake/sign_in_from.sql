-- Opens a session of a minute for the one client that may call without a password from an address, for an agency of its
-- own; FALSE: there is none, or more than one. The caller says which address that is, so whoever holds the role may say
-- any: beyond sixty wrong ones a minute of a client, whatever the addresses and agencies, each waits for the others and
-- is answered a second late, so that a network is not found by trying. A right one never waits. Called by
-- include/sql/intake/sign_in_from.sql.
CREATE OR REPLACE FUNCTION intake.sign_in_from(
    caller inet, unit text, session_digest bytea
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    known bigint[];
    most integer;
BEGIN
    SELECT array_agg(c.client_id) INTO known
    FROM intake.clients AS c
    INNER JOIN intake.client_agencies AS a ON c.client_id = a.client_id
    WHERE
        c.disabled_at IS NULL AND a.agency_code = intake.agency_of(unit)
        AND EXISTS (SELECT 1 FROM unnest(c.networks) AS n (network) WHERE caller <<= n.network);
    IF cardinality(known) IS DISTINCT FROM 1 THEN
        WITH counted AS (
            INSERT INTO intake.wrong_addresses AS w (client_id, since, wrong)
            SELECT c.client_id, moment, 1
            FROM intake.clients AS c
            INNER JOIN intake.client_agencies AS a ON c.client_id = a.client_id
            WHERE c.disabled_at IS NULL AND c.networks <> '{}' AND a.agency_code = intake.agency_of(unit)
            ORDER BY c.client_id
            ON CONFLICT (client_id) DO UPDATE SET
                since = CASE WHEN w.since < moment - interval '1 minute' THEN moment ELSE w.since END,
                wrong = CASE WHEN w.since < moment - interval '1 minute' THEN 1 ELSE w.wrong + 1 END
            RETURNING wrong
        )

        SELECT max(c.wrong) INTO most FROM counted AS c;
        IF most > 60 THEN
            PERFORM pg_sleep(1);
        END IF;
        RETURN FALSE;
    END IF;
    DELETE FROM intake.sessions AS s WHERE s.client_id = known[1] AND s.expires_at < moment;
    INSERT INTO intake.sessions (token_digest, client_id, expires_at)
    VALUES (session_digest, known[1], moment + interval '1 minute');
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION intake.sign_in_from(inet, text, bytea)
IS 'Opens a short session for a client that is known by its address, as the caller says it; many wrong ones are answered late.';
