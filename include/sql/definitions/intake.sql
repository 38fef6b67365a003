-- Clients, the accounts with which one-stop software pushes data: how a client signs in, how its calls are counted, and
-- how it looks up pushed dossiers.

-- Open a session for a client that gives its password, and delete the client's expired sessions (intake.clients,
-- intake.sessions). The result is FALSE if there is no such client, the password is wrong, or the client is disabled.
-- The function's run time reveals nothing useful about the password, because the password is random like a key, and
-- only its salted hash is compared. The only other function that opens sessions is intake.sign_in_from. Called by
-- include/sql/intake/pushes.sql.
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
COMMENT ON FUNCTION intake.sign_in(text, bytea, bytea, interval)
IS 'Opens a session for a client that gives its password, and deletes the client''s expired sessions.';

-- Open a session of five minutes without a password, for the client that may write for the agency "unit" and whose
-- networks contain the address "caller" (intake.clients, intake.sessions). The session is for one call. It lasts five
-- minutes because the call may have to wait for large calls of other clients. The result is FALSE if there is no such
-- client, or more than one. The ledger cannot check the address: the role motcua_intake may call the function with any
-- address. Calls with wrong addresses are counted for each client (intake.wrong_addresses). After sixty such calls
-- within a minute, each further wrong call waits for the previous wrong call and is answered a second late. Nobody can
-- therefore find a client's networks by trying addresses. A call with a right address never waits. Called by
-- include/sql/intake/pushes.sql.
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
    VALUES (session_digest, known[1], moment + interval '5 minutes');
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION intake.sign_in_from(inet, text, bytea)
IS 'Opens a short session, without a password, for the client whose networks contain the given address; the ledger cannot check that address. After many calls with wrong addresses, further ones are answered late.';

-- Return the client that a session belongs to (intake.sessions, intake.clients), or no row if the session has expired
-- or the client is disabled. Only functions of this file and of definitions/pushes.sql call this function, and those
-- functions run with their owner's rights.
CREATE OR REPLACE FUNCTION intake.known_client(session_digest bytea) RETURNS SETOF intake.clients LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT c.*
    FROM intake.sessions AS s
    INNER JOIN intake.clients AS c ON s.client_id = c.client_id
    WHERE s.token_digest = session_digest AND s.expires_at > clock_timestamp() AND c.disabled_at IS NULL
$$;
COMMENT ON FUNCTION intake.known_client(bytea) IS 'Returns the client that a session belongs to, or no row.';

-- Return the number of the client that a session belongs to (intake.known_client). The result is NULL if the session
-- has expired or the client is disabled. Called by include/sql/intake/pushes.sql.
CREATE OR REPLACE FUNCTION intake.whose(session_digest bytea) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT c.client_id FROM intake.known_client(session_digest) AS c
$$;
COMMENT ON FUNCTION intake.whose(bytea) IS 'Returns the number of the client that a session belongs to, or NULL.';

-- Return the agency that a code or an alias stands for, or NULL (motcua.agencies, motcua.agency_aliases). Only
-- intake.sign_in_from calls this function. The function is not SECURITY DEFINER: a role that may not read the two
-- tables therefore cannot find out agencies' codes by calling the function directly.
CREATE OR REPLACE FUNCTION intake.agency_of(written text) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT a.agency_code FROM motcua.agencies AS a WHERE a.agency_code = written
    UNION ALL
    SELECT l.agency_code FROM motcua.agency_aliases AS l WHERE l.alias = written
    LIMIT 1
$$;
COMMENT ON FUNCTION intake.agency_of(text) IS 'Returns the agency that a code or an alias stands for, or NULL.';

-- Count a client's call, its records and the faults in them (intake.client_days, intake.client_hours, intake.faults),
-- and delete the client's rows of client_hours that are older than 60 days. Called by include/sql/intake/pushes.sql.
CREATE OR REPLACE FUNCTION intake.note_call(
    session_digest bytea, of_service text, were_taken bigint, were_repeated bigint, were_refused bigint, faults jsonb
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    today date := (moment AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
    known bigint := (SELECT c.client_id FROM intake.known_client(session_digest) AS c);
BEGIN
    IF known IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO intake.client_days AS d (client_id, day, service, calls, taken, repeated, refused, last_at)
    VALUES (known, today, of_service, 1, were_taken, were_repeated, were_refused, moment)
    ON CONFLICT (client_id, day, service) DO UPDATE SET
        calls = d.calls + 1,
        taken = d.taken + excluded.taken,
        repeated = d.repeated + excluded.repeated,
        refused = d.refused + excluded.refused,
        last_at = excluded.last_at;
    INSERT INTO intake.client_hours (client_id, hour) VALUES (known, date_trunc('hour', moment)) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        DELETE FROM intake.client_hours AS h WHERE h.client_id = known AND h.hour < moment - interval '60 days';
    END IF;
    INSERT INTO intake.faults AS f (client_id, day, service, fault, field, records, last_at)
    SELECT known, today, of_service, r.fault, r.field, r.records, moment
    FROM jsonb_to_recordset(faults) AS r (fault text, field text, records bigint)
    ORDER BY r.fault, r.field
    ON CONFLICT (client_id, day, service, fault, field) DO UPDATE SET
        records = f.records + excluded.records, last_at = excluded.last_at;
END
$$;
COMMENT ON FUNCTION intake.note_call(bytea, text, bigint, bigint, bigint, jsonb)
IS 'Counts a client''s call, its records and the faults in them.';

-- Return those of the given dossier codes that were pushed for a client's agencies, each with the dossier's status, at
-- most 100 (intake.pushed_dossiers). The result holds nothing about a citizen. Called by include/sql/intake/pushes.sql.
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
COMMENT ON FUNCTION intake.look_up(bytea, text[])
IS 'Returns those of the given dossier codes that were pushed for a client''s agencies, with their status.';
