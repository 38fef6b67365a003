-- Does what a page asked for, once the Department was mailed and its time to withdraw is over, and keeps what became
-- of it, which is returned; empty: somebody else ended it. Where what it was asked over has changed meanwhile, it is
-- not done: nobody was told of that.
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
IS 'Does what a page asked for, once the Department was mailed and its time to withdraw is over; returns what became of it.';
