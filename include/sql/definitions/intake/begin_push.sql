-- Begins to write a push: the client, the agency that the call as a whole names, and the moment of arrival, once no
-- other push of the source is being written. So numbers and moments are committed in their order, and none late. No
-- row: the session is nobody's. Called by the functions of this folder alone, which run as the owner.
CREATE OR REPLACE FUNCTION intake.begin_push(
    session_digest bytea, OUT client bigint, OUT source text, OUT only_agency text, OUT moment timestamptz
) LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    SELECT c.client_id, c.source INTO client, source FROM intake.known_client(session_digest) AS c;
    IF client IS NULL THEN
        RAISE EXCEPTION 'the session is nobody''s' USING ERRCODE = 'MC010';
    END IF;
    SELECT CASE WHEN count(*) = 1 THEN min(a.agency_code) END INTO only_agency
    FROM intake.client_agencies AS a WHERE a.client_id = client;
    INSERT INTO intake.numbers AS n (source) VALUES (begin_push.source) ON CONFLICT DO NOTHING;
    PERFORM FROM intake.numbers AS n WHERE n.source = begin_push.source FOR UPDATE;
    moment := clock_timestamp();
END
$$;
COMMENT ON FUNCTION intake.begin_push(bytea) IS 'Begins to write a push of the client that a session is of.';
