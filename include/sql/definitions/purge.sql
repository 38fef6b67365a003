-- The function that empties personal data, and a function that afterwards replaces the planner's statistics of the
-- emptied columns.

-- Empty one batch of personal data, for one of three causes: the retention term is over (term), a citizen asked for the
-- erasure (request), or emptied rows came back with a restore (restore). This is the only function that empties
-- personal data. Terms are compared with this server's clock and not with a time that the caller gives. A dossier is
-- emptied with its messages, attempts, versions, notes and complaints. A dossier that another transaction has locked is
-- left to the next run.
--
-- The parameter only_these lists rows to empty, and the result lists the emptied rows in the same form (listed). A
-- dossier is listed by its agency and code, an inquiry by its gateway and number, a quarantined row by its source and
-- number, and a complaint by its agency and number. After a restore, a new row may get the number of a listed row. Rows
-- that came after listed_at are therefore not emptied by number.
--
-- The function belongs to the role motcua_eraser, which cannot log in, owns nothing else and may write only what this
-- function writes. Only the login of the purge, motcua_purge, may call the function (rights.sql). As long as one of
-- these two roles is missing, no personal data can be emptied. Called by store/personal_data.py.
CREATE OR REPLACE FUNCTION motcua.purge_personal_data(
    of_kind text,
    after_id bigint,
    at_most integer,
    under_reference text,
    for_cause text,
    by_whom text,
    with_reason text DEFAULT NULL,
    only_these jsonb DEFAULT NULL,
    listed_at timestamptz DEFAULT NULL
) RETURNS TABLE (looked_until bigint, emptied integer, listed jsonb) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    of_before timestamptz := moment - interval '90 days';
    today date := (moment AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
    ids bigint[];
    busy bigint[];
    counts jsonb := '{}';
    counted bigint;
BEGIN
    IF at_most NOT BETWEEN 1 AND 20000 OR NOT (
        CASE for_cause
            WHEN 'term' THEN only_these IS NULL
            WHEN 'request' THEN only_these IS NOT NULL AND of_kind <> 'receipts'
            WHEN 'restore' THEN
                (only_these IS NULL OR of_kind <> 'receipts') AND (only_these IS NOT NULL OR of_kind <> 'dossiers')
            ELSE FALSE
        END
    ) THEN
        RAISE EXCEPTION 'purge of % for %: not this', of_kind, for_cause USING ERRCODE = 'MC003';
    END IF;
    listed := '[]';
    IF of_kind = 'dossiers' THEN
        IF for_cause = 'term' THEN
            SELECT max(l.dossier_id), array_agg(l.dossier_id) INTO looked_until, ids
            FROM (
                SELECT d.dossier_id FROM motcua.dossiers AS d
                WHERE d.purged_at IS NULL AND d.dossier_id > after_id
                ORDER BY d.dossier_id
                LIMIT at_most
            ) AS l;
            SELECT array_agg(t.dossier_id) INTO ids
            FROM motcua.dossier_terms AS t
            WHERE t.dossier_id = any(ids) AND t.kept_until < moment AND NOT t.may_be_told AND NOT t.is_complained_of;
        ELSE
            SELECT array_agg(t.dossier_id) INTO ids
            FROM jsonb_array_elements(only_these) AS k (dossier)
            INNER JOIN motcua.dossier_terms AS t
                ON t.agency_code = k.dossier ->> 0 AND t.dossier_code = k.dossier ->> 1
            WHERE
                NOT t.may_be_told
                AND (
                    (t.ended_at < moment AND (for_cause = 'restore' OR NOT t.is_complained_of))
                    -- In a restored ledger, a dossier that had been emptied may not have ended yet. It is emptied again
                    -- nevertheless, unless it was read from its source after it had been emptied.
                    OR (for_cause = 'restore' AND t.picked_up_at < listed_at)
                );
        END IF;
        SELECT array_agg(l.dossier_id) INTO ids
        FROM (
            SELECT d.dossier_id FROM motcua.dossiers AS d
            WHERE d.dossier_id = any(ids)
            ORDER BY d.dossier_id
            FOR UPDATE SKIP LOCKED
        ) AS l;
        -- The dossiers are locked now, so this query also sees the messages and complaints that other transactions
        -- inserted before the lock.
        SELECT array_agg(t.dossier_id) INTO busy FROM motcua.dossier_terms AS t
        WHERE t.dossier_id = any(ids) AND (t.may_be_told OR (t.is_complained_of AND for_cause <> 'restore'));
        ids := coalesce(array(SELECT unnest(ids) EXCEPT SELECT unnest(busy)), '{}');
        SELECT coalesce(jsonb_agg(jsonb_build_array(d.agency_code, d.dossier_code) ORDER BY d.dossier_id), '[]')
        INTO listed
        FROM motcua.dossiers AS d WHERE d.dossier_id = any(ids);

        UPDATE motcua.messages SET
            msisdn = NULL, text = '', parameters = '{}', accented_parameters = NULL, purged_at = moment
        WHERE dossier_id = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('messages', counted);
        UPDATE motcua.attempts AS a SET msisdn = NULL, gateway_reference = NULL, purged_at = moment
        FROM motcua.messages AS m
        WHERE m.dossier_id = any(ids) AND a.message_id = m.message_id AND a.purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('attempts', counted);
        UPDATE motcua.dossier_versions SET applicant_phone = NULL, purged_at = moment
        WHERE dossier_id = any(ids) AND applicant_phone IS NOT NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('dossier_versions', counted);
        UPDATE motcua.transitions SET note = NULL, actor = NULL
        WHERE dossier_id = any(ids) AND num_nonnulls(note, actor) > 0;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('transitions', counted);
        UPDATE motcua.complaints SET note = NULL, outcome_reason = NULL, withdraw_reason = NULL, purged_at = moment
        WHERE dossier_id = any(ids) AND num_nonnulls(note, outcome_reason, withdraw_reason) > 0;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('complaints', counted);
        IF for_cause <> 'term' THEN
            -- Inquiries have a term of their own. When the term of the dossier is over, theirs may not be, so they are
            -- emptied here only for a request or after a restore.
            UPDATE motcua.inquiries SET
                msisdn = NULL, text = NULL, asked_code = NULL, gateway_message_id = NULL, dedupe_key = NULL,
                purged_at = moment
            WHERE
                purged_at IS NULL
                AND message_id IN (
                    SELECT m.message_id FROM motcua.messages AS m
                    WHERE m.dossier_id = any(ids) AND m.kind = 'reply'
                );
            GET DIAGNOSTICS counted = ROW_COUNT;
            counts := counts || jsonb_build_object('inquiries', counted);
        END IF;
        -- Pushed rows of these dossiers are emptied too, because the next pick-up would read them again.
        UPDATE intake.pushed_dossiers AS p SET fields = '{}', purged_at = moment
        FROM motcua.dossiers AS d
        WHERE
            d.dossier_id = any(ids) AND p.agency_code = d.agency_code AND p.dossier_code = d.dossier_code
            AND p.purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('pushed_dossiers', counted);
        UPDATE intake.pushed_steps AS p SET fields = '{}', purged_at = moment
        FROM motcua.dossiers AS d
        WHERE
            d.dossier_id = any(ids) AND p.agency_code = d.agency_code AND p.dossier_code = d.dossier_code
            AND p.purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('pushed_steps', counted);
        UPDATE motcua.dossiers SET applicant_name = NULL, applicant_phone = NULL, msisdn = NULL, purged_at = moment
        WHERE dossier_id = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('dossiers', counted);
        IF for_cause <> 'term' THEN
            -- A dossier that cannot be emptied yet is marked with erase_asked_at, so that it is emptied when it ends.
            UPDATE motcua.dossiers AS d SET erase_asked_at = coalesce(listed_at, moment)
            FROM jsonb_array_elements(only_these) AS k (dossier)
            INNER JOIN motcua.dossier_terms AS t
                ON t.agency_code = k.dossier ->> 0 AND t.dossier_code = k.dossier ->> 1
            WHERE
                d.dossier_id = t.dossier_id AND d.purged_at IS NULL AND d.erase_asked_at IS NULL
                AND (for_cause = 'request' OR t.ended_at < moment OR t.picked_up_at < listed_at);
        END IF;

    ELSIF of_kind = 'inquiries' THEN
        IF only_these IS NULL THEN
            -- Inquiries with larger numbers are usually newer. If every row of this batch is newer than of_before plus
            -- seven days, no later row is due either, and looked_until becomes NULL.
            SELECT
                CASE WHEN min(l.received_at) < of_before + interval '7 days' THEN max(l.inquiry_id) END,
                array_agg(l.inquiry_id) FILTER (WHERE l.received_at < of_before)
            INTO looked_until, ids
            FROM (
                SELECT i.inquiry_id, i.received_at FROM motcua.inquiries AS i
                WHERE i.purged_at IS NULL AND i.inquiry_id > after_id
                ORDER BY i.inquiry_id
                LIMIT at_most
            ) AS l;
        ELSE
            SELECT
                array_agg(f.inquiry_id), coalesce(jsonb_agg(jsonb_build_array(f.gateway, f.inquiry_id::text)), '[]')
            INTO ids, listed
            FROM jsonb_array_elements(only_these) AS k (inquiry)
            CROSS JOIN LATERAL (
                SELECT i.inquiry_id, i.gateway, i.received_at FROM motcua.inquiries AS i
                WHERE
                    i.gateway = k.inquiry ->> 0
                    AND i.inquiry_id = CASE
                        WHEN k.inquiry ->> 1 ~ '^[0-9]{1,18}$' THEN (k.inquiry ->> 1)::bigint
                    END
                UNION ALL
                -- Lists that earlier versions wrote name an inquiry by its dedupe_key instead of its number.
                SELECT i.inquiry_id, i.gateway, i.received_at FROM motcua.inquiries AS i
                WHERE
                    i.gateway = k.inquiry ->> 0
                    AND i.dedupe_key IN (k.inquiry ->> 1, motcua.provider_id(k.inquiry ->> 1))
            ) AS f
            WHERE for_cause = 'request' OR f.received_at < listed_at;
        END IF;
        UPDATE motcua.messages SET
            msisdn = NULL, text = '', parameters = '{}', accented_parameters = NULL, purged_at = moment
        WHERE
            message_id IN (SELECT i.message_id FROM motcua.inquiries AS i WHERE i.inquiry_id = any(ids))
            AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('messages', counted);
        UPDATE motcua.inquiries SET
            msisdn = NULL, text = NULL, asked_code = NULL, gateway_message_id = NULL, dedupe_key = NULL,
            purged_at = moment
        WHERE inquiry_id = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('inquiries', counted);
        IF only_these IS NULL THEN
            -- Identifiers of providers that earlier versions stored in clear are replaced by keyed hashes, even if the
            -- term of the row is not over.
            UPDATE motcua.inquiries SET
                gateway_message_id = CASE WHEN purged_at IS NULL THEN motcua.provider_id(gateway_message_id) END,
                dedupe_key = CASE
                    WHEN dedupe_key ~ '^[0-9a-f]{64}$' THEN motcua.provider_id(dedupe_key) ELSE dedupe_key
                END
            WHERE inquiry_id IN (
                SELECT i.inquiry_id FROM motcua.inquiries AS i
                WHERE i.gateway_message_id !~ '^id-[a-p]{32}$' OR i.dedupe_key ~ '^[0-9a-f]{64}$'
                ORDER BY i.inquiry_id
                LIMIT at_most
            );
            looked_until := CASE WHEN FOUND THEN coalesce(looked_until, after_id) ELSE looked_until END;
        END IF;

    ELSIF of_kind = 'receipts' THEN
        SELECT
            CASE WHEN min(l.received_at) < of_before + interval '7 days' THEN max(l.receipt_id) END,
            array_agg(l.receipt_id) FILTER (WHERE l.received_at < of_before)
        INTO looked_until, ids
        FROM (
            SELECT r.receipt_id, r.received_at FROM motcua.receipts AS r
            WHERE r.purged_at IS NULL AND r.receipt_id > after_id
            ORDER BY r.receipt_id
            LIMIT at_most
        ) AS l;
        UPDATE motcua.receipts SET raw = '{}', purged_at = moment WHERE receipt_id = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('receipts', counted);

    ELSIF of_kind = 'quarantine' THEN
        IF only_these IS NULL THEN
            SELECT max(l.quarantine_id), array_agg(l.quarantine_id) FILTER (WHERE l.last_seen_at < of_before)
            INTO looked_until, ids
            FROM (
                SELECT q.quarantine_id, q.last_seen_at FROM motcua.quarantine AS q
                WHERE q.purged_at IS NULL AND q.quarantine_id > after_id
                ORDER BY q.quarantine_id
                LIMIT at_most
            ) AS l;
        ELSE
            -- A row that was read again after it was listed holds newer data, which nobody asked to erase.
            of_before := coalesce(listed_at, 'infinity');
            SELECT
                array_agg(q.quarantine_id),
                coalesce(jsonb_agg(jsonb_build_array(q.source_id::text, q.quarantine_id::text)), '[]')
            INTO ids, listed
            FROM jsonb_array_elements(only_these) AS k (quarantined)
            INNER JOIN motcua.quarantine AS q
                ON
                    q.source_id::text = k.quarantined ->> 0
                    AND q.quarantine_id = CASE
                        WHEN k.quarantined ->> 1 ~ '^[0-9]{1,18}$' THEN (k.quarantined ->> 1)::bigint
                    END
            WHERE q.purged_at IS NULL AND q.last_seen_at < of_before;
        END IF;
        -- The columns by which the row is found at its source stay, because the row may still be corrected there. A
        -- text that is not like a dossier's code may contain anything, so it is emptied.
        UPDATE motcua.quarantine AS q SET
            payload = q.payload - ARRAY['note', 'actor', 'from_step', 'to_step']
            - CASE WHEN motcua.is_like_a_code(q.dossier_code) THEN '{}' ELSE ARRAY['dossier_code'] END,
            dossier_code = CASE WHEN motcua.is_like_a_code(q.dossier_code) THEN q.dossier_code END,
            purged_at = moment
        WHERE q.quarantine_id = any(ids) AND q.last_seen_at < of_before;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('quarantine', counted);

    ELSIF of_kind = 'complaints' THEN
        -- These are complaints that are linked to no dossier, and texts of complaints about dossiers that were emptied.
        -- A complaint without a dossier is not emptied while another one with the same code is open: its code may be
        -- replaced by a pseudonym, and then neither would count as a repetition of the other any more.
        IF only_these IS NULL THEN
            SELECT max(l.complaint_id), array_agg(l.complaint_id) FILTER (WHERE l.is_due)
            INTO looked_until, ids
            FROM (
                SELECT
                    c.complaint_id,
                    (c.outcome <> 'open' OR c.withdrawn_at IS NOT NULL)
                    AND (
                        c.erase_asked_at IS NOT NULL
                        OR (c.received_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date + g.retention < today
                    )
                    AND (c.dossier_id IS NULL OR d.purged_at IS NOT NULL)
                    AND NOT EXISTS (
                        SELECT 1 FROM motcua.complaints AS o
                        WHERE
                            c.dossier_id IS NULL AND o.dossier_id IS NULL
                            AND o.outcome = 'open' AND o.withdrawn_at IS NULL
                            AND o.agency_code = c.agency_code
                            AND motcua.code_key(o.dossier_code) = motcua.code_key(c.dossier_code)
                    ) AS is_due
                FROM motcua.complaints AS c
                INNER JOIN motcua.agencies AS g ON c.agency_code = g.agency_code
                LEFT JOIN motcua.dossiers AS d ON c.dossier_id = d.dossier_id
                WHERE
                    c.complaint_id > after_id
                    AND (
                        num_nonnulls(c.note, c.outcome_reason, c.withdraw_reason) > 0
                        OR (c.dossier_id IS NULL AND NOT motcua.is_like_a_code(c.dossier_code))
                    )
                ORDER BY c.complaint_id
                LIMIT at_most
            ) AS l;
        ELSE
            -- Complaints of a dossier are emptied with the dossier.
            SELECT array_agg(c.complaint_id) INTO ids
            FROM jsonb_array_elements(only_these) AS k (complaint)
            INNER JOIN motcua.complaints AS c
                ON
                    c.agency_code = k.complaint ->> 0
                    AND c.complaint_id = CASE
                        WHEN k.complaint ->> 1 ~ '^[0-9]{1,18}$' THEN (k.complaint ->> 1)::bigint
                    END
            WHERE
                c.dossier_id IS NULL
                AND (for_cause = 'request' OR c.recorded_at < listed_at)
                AND (
                    num_nonnulls(c.note, c.outcome_reason, c.withdraw_reason) > 0
                    OR NOT motcua.is_like_a_code(c.dossier_code)
                );
            IF for_cause = 'request' THEN
                -- While a complaint with the same code is open, the listed complaints are not emptied. They are marked
                -- and emptied as soon as none is open.
                SELECT array_agg(c.complaint_id) INTO busy
                FROM motcua.complaints AS c
                WHERE
                    c.complaint_id = any(ids)
                    AND EXISTS (
                        SELECT 1 FROM motcua.complaints AS o
                        WHERE
                            o.dossier_id IS NULL AND o.outcome = 'open' AND o.withdrawn_at IS NULL
                            AND o.agency_code = c.agency_code
                            AND motcua.code_key(o.dossier_code) = motcua.code_key(c.dossier_code)
                    );
                UPDATE motcua.complaints SET erase_asked_at = moment
                WHERE complaint_id = any(busy) AND erase_asked_at IS NULL;
                ids := array(SELECT unnest(ids) EXCEPT SELECT unnest(busy));
            END IF;
            SELECT coalesce(jsonb_agg(jsonb_build_array(c.agency_code, c.complaint_id::text)), '[]') INTO listed
            FROM motcua.complaints AS c WHERE c.complaint_id = any(ids);
        END IF;
        UPDATE motcua.complaints AS c SET
            note = NULL,
            outcome_reason = NULL,
            withdraw_reason = NULL,
            dossier_code = CASE
                WHEN c.dossier_id IS NOT NULL OR motcua.is_like_a_code(c.dossier_code) THEN c.dossier_code
                ELSE 'PA-' || right(motcua.desk_user(c.agency_code, motcua.code_key(c.dossier_code)), 8)
            END,
            purged_at = moment
        WHERE c.complaint_id = any(ids);
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('complaints', counted);
    ELSIF of_kind = 'pushed_dossiers' AND only_these IS NULL THEN
        -- Pushed rows of a dossier are emptied with the dossier. The rows that are emptied here belong to no dossier,
        -- or were pushed after their dossier had been emptied.
        SELECT max(l.dossier_no), array_agg(l.dossier_no) FILTER (WHERE l.is_due)
        INTO looked_until, ids
        FROM (
            SELECT
                p.dossier_no,
                p.updated_at < of_before AND NOT EXISTS (
                    SELECT 1 FROM motcua.dossiers AS d
                    WHERE
                        d.agency_code = p.agency_code AND d.dossier_code = normalize(btrim(p.dossier_code))
                        AND d.purged_at IS NULL
                ) AS is_due
            FROM intake.pushed_dossiers AS p
            WHERE p.purged_at IS NULL AND p.dossier_no > after_id
            ORDER BY p.dossier_no
            LIMIT at_most
        ) AS l;
        UPDATE intake.pushed_dossiers SET fields = '{}', purged_at = moment
        WHERE dossier_no = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('pushed_dossiers', counted);

    ELSIF of_kind = 'pushed_steps' AND only_these IS NULL THEN
        SELECT max(l.step_no), array_agg(l.step_no) FILTER (WHERE l.is_due)
        INTO looked_until, ids
        FROM (
            SELECT
                p.step_no,
                p.recorded_at < of_before AND NOT EXISTS (
                    SELECT 1 FROM motcua.dossiers AS d
                    WHERE
                        d.agency_code = p.agency_code AND d.dossier_code = normalize(btrim(p.dossier_code))
                        AND d.purged_at IS NULL
                ) AS is_due
            FROM intake.pushed_steps AS p
            WHERE p.purged_at IS NULL AND p.step_no > after_id
            ORDER BY p.step_no
            LIMIT at_most
        ) AS l;
        UPDATE intake.pushed_steps SET fields = '{}', purged_at = moment
        WHERE step_no = any(ids) AND purged_at IS NULL;
        GET DIAGNOSTICS counted = ROW_COUNT;
        counts := counts || jsonb_build_object('pushed_steps', counted);
    ELSE
        RAISE EXCEPTION 'purge of %: there is no such kind', of_kind USING ERRCODE = 'MC003';
    END IF;

    INSERT INTO motcua.personal_data_purges (reference, purged_at, cause, of_table, emptied, purged_by, reason)
    SELECT under_reference, moment, for_cause, c.key, c.value::integer, by_whom, with_reason
    FROM jsonb_each_text(counts) AS c
    WHERE c.value <> '0' OR (for_cause = 'restore' AND c.key = of_kind);
    SELECT coalesce(sum(c.value::integer), 0) INTO emptied FROM jsonb_each_text(counts) AS c;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION motcua.purge_personal_data(text, bigint, integer, text, text, text, text, jsonb, timestamptz)
IS 'Empties one batch of personal data: rows whose retention term is over, rows that a citizen asked to erase, or rows that had been emptied and came back with a restore. No other function empties personal data.';

DO $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM pg_roles WHERE rolname = 'motcua_eraser' AND pg_has_role(current_user, rolname, 'MEMBER')
    ) AND NOT EXISTS (
        SELECT 1 FROM pg_proc
        WHERE oid = 'motcua.purge_personal_data'::regproc AND proowner = 'motcua_eraser'::regrole
    ) THEN
        -- PostgreSQL lets a role become the owner only if it may create objects in the schema.
        GRANT USAGE, CREATE ON SCHEMA motcua TO motcua_eraser;
        ALTER FUNCTION motcua.purge_personal_data OWNER TO motcua_eraser;
        REVOKE CREATE ON SCHEMA motcua FROM motcua_eraser;
    END IF;
END
$$;

-- Replace the statistics that PostgreSQL's query planner has of emptied columns, because these statistics hold samples
-- of the old values. ANALYZE replaces the statistics of tables with rows. The tables of the schema statements are
-- empty, and ANALYZE would keep the old statistics of an empty table. In these tables, ALTER TABLE therefore sets the
-- type of the columns with phone numbers and identifiers again, which deletes their statistics. Called by
-- include/sql/personal_data.sql.
CREATE OR REPLACE FUNCTION motcua.tidy_after_purge() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
    ALTER TABLE statements.lines ALTER COLUMN msisdn TYPE text, ALTER COLUMN reference TYPE text,
    ALTER COLUMN gateway_reference TYPE text;
    ALTER TABLE statements.ours ALTER COLUMN msisdn TYPE text, ALTER COLUMN gateway_reference TYPE text;
    ANALYZE motcua.dossiers (applicant_name, applicant_phone, msisdn);
    ANALYZE motcua.dossier_versions (applicant_phone);
    ANALYZE motcua.messages (msisdn, text, parameters, accented_parameters);
    ANALYZE motcua.attempts (msisdn, gateway_reference);
    ANALYZE motcua.transitions (note, actor);
    ANALYZE motcua.inquiries (msisdn, text, asked_code, gateway_message_id, dedupe_key);
    -- These two tables are analyzed as a whole, because indexes on motcua.code_key of their codes have statistics too.
    ANALYZE motcua.complaints;
    ANALYZE motcua.quarantine;
    ANALYZE motcua.receipts (raw);
    ANALYZE intake.pushed_dossiers (fields);
    ANALYZE intake.pushed_steps (fields);
END
$$;
COMMENT ON FUNCTION motcua.tidy_after_purge() IS 'Replaces the statistics that PostgreSQL''s query planner has of emptied columns, because they hold samples of old values.';
