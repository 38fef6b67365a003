-- Who pushes: how a client signs in, whose agencies it may name, its numbers and its calls.

-- Opens a session for a client that shows its password, and deletes its old ones; FALSE: no such client, another
-- password, or it is disabled. Hashes are compared, of a password that is as random as a key, under a salt that nobody
-- outside knows: how long that takes tells nothing. The one way to a session but for sign_in_from. Called by
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
COMMENT ON FUNCTION intake.sign_in(text, bytea, bytea, interval) IS 'Opens a session for a client that shows its password.';

-- Opens a session of a minute for the one client that may call without a password from an address, for an agency of its
-- own; FALSE: there is none, or more than one. The caller says which address that is, so whoever holds the role may say
-- any: beyond sixty wrong ones a minute of a client, whatever the addresses and agencies, each waits for the others and
-- is answered a second late, so that a network is not found by trying. A right one never waits. Called by
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
    VALUES (session_digest, known[1], moment + interval '1 minute');
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION intake.sign_in_from(inet, text, bytea)
IS 'Opens a short session for a client that is known by its address, as the caller says it; many wrong ones are answered late.';

-- The client that a session is of, while the session lasts and the client is not disabled; no row: nobody's. Called by
-- the functions of intake.sql and pushes.sql alone, which run as the owner.
CREATE OR REPLACE FUNCTION intake.known_client(session_digest bytea) RETURNS SETOF intake.clients LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT c.*
    FROM intake.sessions AS s
    INNER JOIN intake.clients AS c ON s.client_id = c.client_id
    WHERE s.token_digest = session_digest AND s.expires_at > clock_timestamp() AND c.disabled_at IS NULL
$$;
COMMENT ON FUNCTION intake.known_client(bytea) IS 'The client that a session is of, or no row.';

-- Number of the client that a session is of; NULL: nobody's. Called by include/sql/intake/pushes.sql.
CREATE OR REPLACE FUNCTION intake.whose(session_digest bytea) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT c.client_id FROM intake.known_client(session_digest) AS c
$$;
COMMENT ON FUNCTION intake.whose(bytea) IS 'Number of the client that a session is of.';

-- The agency that a code or an alias stands for; NULL: none. Called by intake.sign_in_from alone, which runs as the
-- owner: whoever has no session yet is told no agency's words.
CREATE OR REPLACE FUNCTION intake.agency_of(written text) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT a.agency_code FROM motcua.agencies AS a WHERE a.agency_code = written
    UNION ALL
    SELECT l.agency_code FROM motcua.agency_aliases AS l WHERE l.alias = written
    LIMIT 1
$$;
COMMENT ON FUNCTION intake.agency_of(text) IS 'The agency that a code or an alias stands for.';

-- Counts a call of a client, and what was wrong in it. Called by include/sql/intake/pushes.sql.
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
COMMENT ON FUNCTION intake.note_call(bytea, text, bigint, bigint, bigint, jsonb) IS 'Counts a call of a client, and what was wrong in it.';

-- Which of these dossiers, by code, a client's agencies have been pushed, and their status; nothing of a citizen.
-- Called by include/sql/intake/pushes.sql.
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
