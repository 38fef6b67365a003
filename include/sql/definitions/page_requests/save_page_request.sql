-- A page asks for what has citizens told, has some told no more, or changes who gets mails; nothing of it is done here,
-- and when it may be done is said by who mails the Department. What is written down is no more than what is read here
-- of `given`. A status that is said to stand for neither 5 nor 9, and did not before, tells nobody and is carried out
-- at once. `became`: waits; done; asked_before, where the same is asked for already; unknown, where there is no such
-- source, agency or account.
CREATE OR REPLACE FUNCTION motcua.save_page_request(of_kind text, given jsonb, said_by text)
RETURNS TABLE (request_no bigint, became text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
#variable_conflict use_column
DECLARE
    about text;
    is_known boolean := TRUE;
    the jsonb;
    stood_for smallint;
    written CONSTANT integer := given ->> 'written';
    stands_for CONSTANT integer := given ->> 'stands_for';
    done timestamptz;
BEGIN
    CASE of_kind
        WHEN 'map_status' THEN
            -- Who comes second sees what the first one said.
            PERFORM 1 FROM motcua.sources AS s WHERE s.name = given ->> 'source' FOR UPDATE;
            is_known := FOUND;
            SELECT m.status_code INTO stood_for
            FROM motcua.status_maps AS m
            INNER JOIN motcua.sources AS s ON m.source_id = s.source_id
            WHERE s.name = given ->> 'source' AND m.source_status = written;
            IF
                written IS NULL OR stands_for IS NULL OR stands_for NOT BETWEEN 1 AND 10
                OR (written BETWEEN 1 AND 10 AND (stood_for IS NULL OR stands_for <> written))
            THEN
                RAISE EXCEPTION 'status codes 1-10 are the contract''s and are never mapped'
                    USING ERRCODE = 'check_violation';
            END IF;
            about := format('%s %s', given ->> 'source', written);
            the := jsonb_build_object(
                'source', given ->> 'source', 'written', written, 'stands_for', stands_for, 'stood_for', stood_for
            );
            -- To say the same once more changes nothing.
            IF stands_for NOT IN (5, 9) AND coalesce(stood_for, 0) NOT IN (5, 9) OR stands_for = stood_for THEN
                done := now();
            END IF;
        WHEN 'release' THEN
            IF coalesce(btrim(given ->> 'reason'), '') = '' OR length(given ->> 'reason') > 500 THEN
                RAISE EXCEPTION 'a release needs why, in 500 letters at most' USING ERRCODE = 'check_violation';
            END IF;
            the := jsonb_build_object(
                'reason', btrim(given ->> 'reason'),
                'messages', (
                    SELECT jsonb_agg(DISTINCT e.value::bigint) FROM jsonb_array_elements_text(given -> 'messages') AS e
                )
            );
            IF jsonb_typeof(the -> 'messages') = 'null' OR jsonb_array_length(the -> 'messages') > 1000 THEN
                RAISE EXCEPTION 'a release names messages, 1000 at most' USING ERRCODE = 'check_violation';
            END IF;
        WHEN 'recipients' THEN
            about := given ->> 'agency';
            SELECT jsonb_build_object(
                'agency', g.agency_code,
                'list', g.recipients_list,
                'addresses', (
                    SELECT coalesce(jsonb_agg(e.value ORDER BY e.ordinality), '[]')
                    FROM jsonb_array_elements_text(given -> 'addresses') WITH ORDINALITY AS e
                )
            ) INTO the
            FROM motcua.agencies AS g WHERE g.agency_code = about;
            is_known := FOUND;
        WHEN 'export_form' THEN
            about := given ->> 'source';
            SELECT jsonb_build_object(
                'source', c.source,
                'form', given -> 'form',
                'seen', (SELECT max(f.form_no) FROM intake.export_forms AS f WHERE f.client_id = c.client_id)
            ) INTO the
            FROM intake.clients AS c WHERE c.name = about AND c.source = about;
            is_known := FOUND;
            IF is_known AND jsonb_typeof(the -> 'form') <> 'object' THEN
                RAISE EXCEPTION 'a form is a record' USING ERRCODE = 'check_violation';
            END IF;
        ELSE
            RAISE EXCEPTION 'no page asks for this' USING ERRCODE = 'check_violation';
    END CASE;
    IF NOT is_known THEN
        RETURN QUERY SELECT NULL::bigint, 'unknown';
        RETURN;
    END IF;
    IF done IS NOT NULL THEN
        PERFORM motcua.map_status(given ->> 'source', written, stands_for, said_by, done);
    END IF;
    RETURN QUERY
    INSERT INTO motcua.page_requests AS r (kind, subject, wanted, asked_by, ended_at, outcome)
    VALUES (of_kind, about, the, btrim(said_by), done, CASE WHEN done IS NOT NULL THEN 'done' END)
    ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO NOTHING
    RETURNING r.request_no, CASE WHEN done IS NULL THEN 'waits' ELSE 'done' END;
    IF NOT FOUND THEN
        RETURN QUERY SELECT NULL::bigint, 'asked_before';
    END IF;
END
$$;
COMMENT ON FUNCTION motcua.save_page_request(text, jsonb, text)
IS 'Writes down what a page asks for; what tells nobody is carried out at once, everything else by a worker after the Department was mailed.';
