-- Clients that push data: how a client signs in, which agencies it may name, and how its calls are counted.

-- Open a session for a client that shows its password, and delete its expired sessions. FALSE means that there is no
-- such client, the password is wrong, or the client is disabled. The function compares salted hashes of a password that
-- is as random as a key, so its duration reveals nothing. The only other function that opens sessions is sign_in_from.
-- Called by include/sql/intake/pushes.sql.
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
IS 'Opens a session for a client that shows its password, and deletes its expired sessions.';

-- Open a session of a minute without a password, for the client that may write for the agency "unit" and whose networks
-- contain the address "caller". FALSE means that there is no such client or more than one. The caller of this function
-- states the address, so the role motcua_intake can state any address. After sixty wrong addresses of a client in a
-- minute, each wrong call waits for the others and is answered a second late, so that nobody finds a client's networks
-- by trying addresses. A right call never waits. Called by include/sql/intake/pushes.sql.
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
IS 'Opens a short session for a client that is known by its address, which the caller states; many wrong addresses are answered late.';

-- Return the client that a session belongs to, while the session lasts and the client is not disabled, or no row. Only
-- the functions in intake.sql and pushes.sql call it, which run with their owner's rights.
CREATE OR REPLACE FUNCTION intake.known_client(session_digest bytea) RETURNS SETOF intake.clients LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT c.*
    FROM intake.sessions AS s
    INNER JOIN intake.clients AS c ON s.client_id = c.client_id
    WHERE s.token_digest = session_digest AND s.expires_at > clock_timestamp() AND c.disabled_at IS NULL
$$;
COMMENT ON FUNCTION intake.known_client(bytea) IS 'Returns the client that a session belongs to, or no row.';

-- Return the number of the client that a session belongs to, or NULL. Called by include/sql/intake/pushes.sql.
CREATE OR REPLACE FUNCTION intake.whose(session_digest bytea) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT c.client_id FROM intake.known_client(session_digest) AS c
$$;
COMMENT ON FUNCTION intake.whose(bytea) IS 'Returns the number of the client that a session belongs to, or NULL.';

-- Return the agency that a code or an alias stands for, or NULL. Only intake.sign_in_from calls it, which runs with its
-- owner's rights, so that a caller without a session learns no agency's codes.
CREATE OR REPLACE FUNCTION intake.agency_of(written text) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT a.agency_code FROM motcua.agencies AS a WHERE a.agency_code = written
    UNION ALL
    SELECT l.agency_code FROM motcua.agency_aliases AS l WHERE l.alias = written
    LIMIT 1
$$;
COMMENT ON FUNCTION intake.agency_of(text) IS 'Returns the agency that a code or an alias stands for, or NULL.';

-- Count a client's call and the faults in it. Called by include/sql/intake/pushes.sql.
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
IS 'Counts a client''s call and the faults in it.';

-- Return the given dossier codes that were pushed for a client's agencies, with their status. The result holds nothing
-- about a citizen. Called by include/sql/intake/pushes.sql.
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
IS 'Returns the given dossier codes that were pushed for a client''s agencies, with their status.';
