-- Requests from staff pages: how a request is stored, carried out and withdrawn, and what auditors may read. In this
-- file, the Department is the authority that runs the system.

-- Insert a request from a page (motcua.page_requests). Only the values that this function reads from "given" are
-- stored. These requests are carried out at once: a stop (an order not to send messages for some time), the end of a
-- stop, and a mapping of a status code on which no message depends. No message depends on a mapping that changes
-- nothing, or whose old and new meanings are neither 5 (papers are missing) nor 9 (there is a result). A worker carries
-- out every other request. The Department is mailed first, except about a confirmation of a calendar year or a
-- verification of a publication. The process that sends the mail stores from when the request may be carried out.
--
-- The result "became" is one of these:
-- - done: the request was carried out.
-- - waits: a worker will carry it out.
-- - asked_before: a request of the same kind about the same subject is open, so nothing was stored.
-- - unknown: the ledger has no such source, agency, province, account, publication or stop in force.
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
    needs_no_mail CONSTANT boolean := of_kind IN ('confirm_year', 'verify');
    gone integer;
    stopped motcua.stops;
BEGIN
    CASE of_kind
        WHEN 'stop' THEN
            the := jsonb_build_object(
                'kind', given ->> 'kind', 'agency', given ->> 'agency', 'until', (given ->> 'until')::timestamptz,
                'reason', btrim(given ->> 'reason')
            );
            is_known := given ->> 'agency' IS NULL
            OR EXISTS (SELECT 1 FROM motcua.agencies AS g WHERE g.agency_code = given ->> 'agency');
            done := now();
        WHEN 'go' THEN
            SELECT * INTO stopped FROM motcua.stops AS s
            WHERE s.stop_id = (given ->> 'stop')::bigint AND s.ended_at IS NULL AND s.until > now() FOR UPDATE;
            is_known := FOUND;
            about := given ->> 'stop';
            the := jsonb_build_object(
                'stop', stopped.stop_id, 'kind', stopped.kind, 'agency', stopped.agency_code, 'until', stopped.until,
                'reason', stopped.reason
            );
            done := now();
        WHEN 'confirm_year' THEN
            about := format('%s %s', given ->> 'province', (given ->> 'year')::integer);
            IF (given ->> 'year')::integer NOT BETWEEN 1954 AND 2100 OR btrim(given ->> 'decision') = '' THEN
                RAISE EXCEPTION 'a year is confirmed by an announcement' USING ERRCODE = 'check_violation';
            END IF;
            the := jsonb_build_object(
                'province', given ->> 'province', 'year', (given ->> 'year')::integer,
                'decision', btrim(given ->> 'decision')
            );
            is_known := EXISTS (SELECT 1 FROM motcua.agencies AS g WHERE g.province = given ->> 'province');
        WHEN 'verify' THEN
            about := (given ->> 'publication')::bigint::text;
            the := jsonb_build_object('publication', (given ->> 'publication')::bigint);
            is_known := EXISTS (
                SELECT 1 FROM motcua.publications AS p WHERE p.publication_no = (given ->> 'publication')::bigint
            );
        WHEN 'map_status' THEN
            -- The row lock lets the second of two transactions see what the first one wrote.
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
            -- A request to map a status code as it is mapped already changes nothing, so it is carried out at once too.
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
    IF of_kind = 'stop' THEN
        INSERT INTO motcua.stops (kind, agency_code, stopped_at, until, stopped_by, reason)
        VALUES (
            the ->> 'kind', the ->> 'agency', done, (the ->> 'until')::timestamptz, btrim(said_by), the ->> 'reason'
        );
    ELSIF of_kind = 'go' THEN
        gone := motcua.end_stop(stopped.stop_id, btrim(said_by), done);
    ELSIF done IS NOT NULL THEN
        PERFORM motcua.map_status(given ->> 'source', written, stands_for, said_by, done);
    END IF;
    RETURN QUERY
    INSERT INTO motcua.page_requests AS r (
        kind, subject, wanted, asked_by, told_at, applies_at, told, ended_at, outcome, released
    )
    VALUES (
        of_kind, about, the, btrim(said_by), CASE WHEN needs_no_mail THEN now() END,
        CASE WHEN needs_no_mail THEN now() END, CASE WHEN needs_no_mail THEN '{}'::jsonb END, done,
        CASE WHEN done IS NOT NULL THEN 'done' END, gone
    )
    ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO NOTHING
    RETURNING r.request_no, CASE WHEN done IS NULL THEN 'waits' ELSE 'done' END;
    IF NOT FOUND THEN
        RETURN QUERY SELECT NULL::bigint, 'asked_before';
    END IF;
END
$$;
COMMENT ON FUNCTION motcua.save_page_request(text, jsonb, text)
IS 'Stores a request from a page. A stop, its end and a status code mapping that causes no message are carried out at once. A worker carries out every other request, after the Department was mailed. Only a confirmation of a calendar year and a verification of a publication need no mail.';

-- Refuse every deletion of a request and every change of an ended request (motcua.page_requests). Two changes of an
-- open request are allowed. The request may end, which removes its mail addresses. And the columns about the mail to
-- the Department may be written, until the mail was sent.
CREATE OR REPLACE FUNCTION motcua.keep_page_request() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_telling CONSTANT text[] := ARRAY['told_at', 'applies_at', 'told', 'untold_because'];
    of_the_end CONSTANT text[] := ARRAY['ended_at', 'ended_by', 'outcome', 'released', 'wanted'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND (
        (OLD.told_at IS NULL AND to_jsonb(OLD) - of_telling = to_jsonb(NEW) - of_telling)
        OR (
            NEW.ended_at IS NOT NULL
            AND to_jsonb(OLD) - of_the_end = to_jsonb(NEW) - of_the_end
            AND NEW.wanted = OLD.wanted - 'addresses'
        )
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'request % is kept as it was asked: % refused', OLD.request_no, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_page_request()
IS 'Refuses every deletion and every change of a request, except two: the mail about it is recorded once, and it ends once. Its end removes the mail addresses in it.';
CREATE OR REPLACE TRIGGER keep_page_request BEFORE UPDATE OR DELETE ON motcua.page_requests
FOR EACH ROW EXECUTE FUNCTION motcua.keep_page_request();

-- Carry out a request (motcua.page_requests) after the Department was mailed and the time for a withdrawal is over, and
-- return the stored outcome. The result is NULL if there is no such request or it had ended before. If the values on
-- which the request was based have changed, the request is not carried out, because the mail to the Department was
-- about the earlier values. A worker confirms a calendar year or verifies a publication itself, before it calls this
-- function. For these two kinds of request the function therefore only stores that the request has ended.
CREATE OR REPLACE FUNCTION motcua.apply_page_request(of_request bigint)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
DECLARE
    the motcua.page_requests;
    became text;
    let_go integer;
    stood_for smallint;
    form_seen bigint;
    account bigint;
BEGIN
    SELECT * INTO the FROM motcua.page_requests WHERE request_no = of_request FOR UPDATE;
    IF NOT FOUND OR the.ended_at IS NOT NULL THEN
        RETURN NULL;
    END IF;
    IF the.told_at IS NULL OR the.applies_at > clock_timestamp() THEN
        RAISE EXCEPTION 'request % waits: the Department was not mailed, or may still withdraw it', of_request
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    BEGIN
        CASE the.kind
            WHEN 'confirm_year', 'verify' THEN
                became := 'done';
            WHEN 'map_status' THEN
                SELECT m.status_code INTO stood_for
                FROM motcua.status_maps AS m
                INNER JOIN motcua.sources AS s ON m.source_id = s.source_id
                WHERE s.name = the.wanted ->> 'source' AND m.source_status = (the.wanted ->> 'written')::integer;
                IF stood_for IS NOT DISTINCT FROM (the.wanted ->> 'stood_for')::smallint THEN
                    PERFORM motcua.map_status(
                        the.wanted ->> 'source', (the.wanted ->> 'written')::integer,
                        (the.wanted ->> 'stands_for')::integer, the.asked_by, now()
                    );
                    became := 'done';
                END IF;
            WHEN 'release' THEN
                SELECT count(*) INTO let_go
                FROM motcua.release_messages(
                    the.asked_by, the.wanted ->> 'reason', now(),
                    ARRAY(SELECT e.value::bigint FROM jsonb_array_elements_text(the.wanted -> 'messages') AS e),
                    NULL, NULL, NULL
                );
                became := CASE WHEN let_go > 0 THEN 'done' ELSE 'nothing_left' END;
            WHEN 'recipients' THEN
                UPDATE motcua.agencies
                SET
                    report_recipients = ARRAY(
                        SELECT e.value FROM jsonb_array_elements_text(the.wanted -> 'addresses') WITH ORDINALITY AS e
                        ORDER BY e.ordinality
                    ),
                    changed_by = the.asked_by,
                    by_department = FALSE
                WHERE
                    agency_code = the.wanted ->> 'agency' AND recipients_list = (the.wanted ->> 'list')::integer;
                IF FOUND THEN
                    became := 'done';
                END IF;
            WHEN 'export_form' THEN
                SELECT c.client_id, max(f.form_no) INTO account, form_seen
                FROM intake.clients AS c
                LEFT JOIN intake.export_forms AS f ON c.client_id = f.client_id
                WHERE c.name = the.wanted ->> 'source' AND c.source = the.wanted ->> 'source'
                GROUP BY c.client_id;
                IF account IS NOT NULL AND form_seen IS NOT DISTINCT FROM (the.wanted ->> 'seen')::bigint THEN
                    INSERT INTO intake.export_forms (client_id, form, set_at, set_by)
                    VALUES (account, the.wanted -> 'form', now(), the.asked_by);
                    became := 'done';
                END IF;
        END CASE;
    EXCEPTION
        WHEN integrity_constraint_violation THEN
            became := 'refused';
    END;
    UPDATE motcua.page_requests
    SET
        ended_at = now(), outcome = coalesce(became, 'changed'), wanted = wanted - 'addresses',
        released = CASE WHEN the.kind = 'release' THEN coalesce(let_go, 0) END
    WHERE request_no = of_request;
    RETURN coalesce(became, 'changed');
END
$$;
COMMENT ON FUNCTION motcua.apply_page_request(bigint)
IS 'Carries out a request after the Department was mailed and the time for a withdrawal is over, and returns the outcome.';

-- Withdraw a request before it is carried out, and store who withdrew it (motcua.page_requests). The result is FALSE if
-- there is no such request or it had ended before.
CREATE OR REPLACE FUNCTION motcua.withdraw_page_request(of_request bigint, said_by text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    UPDATE motcua.page_requests
    SET ended_at = now(), ended_by = btrim(said_by), outcome = 'withdrawn', wanted = wanted - 'addresses'
    WHERE request_no = of_request AND ended_at IS NULL;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION motcua.withdraw_page_request(bigint, text)
IS 'Withdraws a request before it is carried out, and stores who did so.';

-- Let auditors read requests, without mail addresses.
CREATE OR REPLACE VIEW audit.page_requests AS
SELECT
    request_no,
    kind,
    subject,
    wanted - 'addresses' AS wanted,
    asked_at,
    asked_by,
    told_at,
    applies_at,
    told,
    untold_because,
    ended_at,
    ended_by,
    outcome,
    released
FROM motcua.page_requests;
