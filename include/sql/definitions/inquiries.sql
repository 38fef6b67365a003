-- Texts to 9029: which dossiers one may ask about, how often, how it is kept, and what auditors may read.

-- What stands for something that a provider gave a text to 9029 as its id, which may be made of the phone's number: a
-- keyed hash in letters alone, so that it neither holds a number nor looks like one. Of what is such a mark already,
-- itself: rows of before and a provider's repeats meet. The key is one of the ledger's own, and stays.
CREATE OR REPLACE FUNCTION motcua.provider_id(written text) RETURNS text
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, motcua AS $$
    SELECT CASE
        WHEN written ~ '^id-[a-p]{32}$' THEN written
        ELSE 'id-' || translate(
            left(
                encode(
                    sha256(k.key || sha256(k.key || convert_to('provider id' || chr(31) || written, 'UTF8'))), 'hex'
                ),
                32
            ),
            '0123456789', 'ghijklmnop'
        )
    END
    FROM motcua.pseudonym_key AS k
$$;
COMMENT ON FUNCTION motcua.provider_id(text)
IS 'A keyed hash instead of what a provider sent as an id, which may hold a phone number; the same each time.';

-- Waits until no other inquiry of this phone is being answered, and holds the phone for the rest of this transaction.
-- The callbacks take no lock but such a one: those that senders go by are out of their reach. Called by
-- include/sql/inquiries.sql.
CREATE OR REPLACE FUNCTION motcua.wait_for_phone(phone text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(9029, hashtext(phone))
$$;
COMMENT ON FUNCTION motcua.wait_for_phone(text)
IS 'Waits until no other inquiry of a phone is being answered, and holds it for the rest of the transaction.';

-- Whether this phone has asked often enough today, and this gateway within a minute: counts to the limits, no further.
CREATE OR REPLACE FUNCTION motcua.asked_too_often(
    at_gateway text, asking_phone text, since_day timestamptz, since_minute timestamptz, phone_limit integer,
    gateway_limit integer
)
RETURNS TABLE (phone_is_over boolean, gateway_is_over boolean) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    RETURN QUERY
    SELECT
        (
            SELECT count(*)
            FROM (
                SELECT 1
                FROM motcua.inquiries
                WHERE msisdn = asking_phone AND received_at >= since_day
                ORDER BY received_at
                LIMIT phone_limit
            ) AS by_phone
        ) >= phone_limit AS phone_is_over,
        (
            SELECT count(*)
            FROM (
                SELECT 1
                FROM motcua.inquiries
                WHERE gateway = at_gateway AND received_at >= since_minute
                ORDER BY received_at
                LIMIT gateway_limit
            ) AS by_gateway
        ) >= gateway_limit AS gateway_is_over;
END
$$;
COMMENT ON FUNCTION motcua.asked_too_often(text, text, timestamptz, timestamptz, integer, integer)
IS 'Whether a phone has used up its day of inquiries, and a gateway its minute.';

-- Dossiers that one of the asked codes may mean, as they stand: of the dossier's row and its last step the newer one
-- tells step and status, after an old step that counts, or waits to be judged, the row. No number and no name: of whose
-- a dossier is no more is said than whether it is the asking phone's, and that only where the code is not one
-- dossier's alone: of one alone all that ask are told.
CREATE OR REPLACE FUNCTION motcua.asked_dossiers(code_keys text[], asking_phone text)
RETURNS TABLE (
    dossier_id bigint, agency_code text, dossier_code text, procedure_code text, accented boolean, due_at timestamptz,
    finished_at timestamptz, returned_at timestamptz, step_name text, status_code smallint, is_askers boolean,
    as_of timestamptz, status_since timestamptz, told_result boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        d.dossier_id,
        d.agency_code,
        d.dossier_code,
        d.procedure_code,
        g.accented,
        d.due_at,
        d.finished_at,
        d.returned_at,
        s.step_name,
        s.status_code,
        coalesce(d.msisdn = asking_phone, FALSE) AND count(*) OVER (PARTITION BY motcua.code_key(d.dossier_code)) > 1
            AS is_askers,
        CASE WHEN l.is_newer THEN greatest(d.picked_up_at, l.picked_up_at) ELSE d.picked_up_at END AS as_of,
        coalesce(
            (
                SELECT min(t.occurred_at)
                FROM motcua.transitions AS t
                WHERE
                    t.dossier_id = d.dossier_id
                    AND t.status_code = any(a.alike)
                    AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS p WHERE p.transition_id = t.transition_id)
                    AND NOT EXISTS (
                        SELECT 1
                        FROM motcua.transitions AS o
                        WHERE
                            o.dossier_id = d.dossier_id
                            AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS p WHERE p.transition_id = o.transition_id)
                            AND (o.sequence, o.from_row, o.transition_id) > (t.sequence, t.from_row, t.transition_id)
                            AND o.status_code <> all(a.alike)
                    )
            ),
            d.updated_at
        ) AS status_since,
        d.returned_at IS NULL AND coalesce(s.status_code, 0) <> 10 AND EXISTS (
            SELECT 1
            FROM motcua.messages AS m
            WHERE
                m.dossier_id = d.dossier_id
                AND m.kind = 'result'
                AND m.state IN ('accepted', 'delivered', 'unconfirmed')
        ) AS told_result
    FROM motcua.dossiers AS d
    INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
    LEFT JOIN LATERAL (
        SELECT
            t.to_step,
            t.status_code,
            t.picked_up_at,
            NOT (t.row_speaks AND d.status_code IS NOT NULL) AND t.recorded_at > coalesce(d.updated_at, '-infinity')
                AS is_newer
        FROM motcua.last_step(d.dossier_id, 'infinity', 9223372036854775807, 9223372036854775807) AS t
    ) AS l ON TRUE
    INNER JOIN LATERAL (
        SELECT
            CASE WHEN l.is_newer THEN coalesce(l.to_step, d.step_name) ELSE d.step_name END AS step_name,
            CASE WHEN l.is_newer THEN l.status_code ELSE d.status_code END AS status_code
    ) AS s ON TRUE
    INNER JOIN LATERAL (
        SELECT
            CASE
                WHEN s.status_code IN (5, 6, 8) THEN ARRAY[5, 6, 8]
                WHEN s.status_code IN (9, 10) THEN ARRAY[9, 10]
                ELSE ARRAY[s.status_code::integer]
            END AS alike
    ) AS a ON TRUE
    WHERE motcua.code_key(d.dossier_code) = any(code_keys)
    ORDER BY is_askers DESC, d.dossier_id
    LIMIT 1000;
END
$$;
COMMENT ON FUNCTION motcua.asked_dossiers(text[], text)
IS 'Dossiers that one of the asked codes may mean, as they stand, the asking phone''s first; no number and no name.';

-- An inquiry with its reply, once: a repeat waits for the first one's end and then writes nothing. The reply is to the
-- phone that asks, is handed over in the answer to the gateway's own request and is never sent: whoever may call this
-- can queue no message.
CREATE OR REPLACE FUNCTION motcua.save_inquiry(inquiry jsonb) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
DECLARE
    asked record;
    of_reply bigint;
BEGIN
    SELECT r.* INTO STRICT asked
    FROM jsonb_to_record(inquiry) AS r (
        gateway text, gateway_message_id text, dedupe_key text, received_at timestamptz, phone text, text text,
        asked_code text, outcome text, fee integer, dossier_id bigint, agency_code text, procedure_code text,
        as_of timestamptz, told_result boolean, occasion text, reply text, template_id text, template_version smallint,
        parameters text[], accented boolean, segments smallint
    );
    BEGIN
        INSERT INTO motcua.messages (
            kind, dossier_id, agency_code, procedure_code, occasion, state, msisdn, text, template_id,
            template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
            next_attempt_at, accepted_at, changed_at
        )
        VALUES (
            'reply', asked.dossier_id, asked.agency_code, asked.procedure_code, asked.occasion, 'accepted',
            asked.phone, asked.reply, asked.template_id, asked.template_version, asked.parameters, asked.accented,
            asked.segments, asked.received_at, asked.received_at, asked.received_at, asked.received_at,
            asked.received_at, asked.received_at, asked.received_at
        )
        RETURNING message_id INTO of_reply;
        INSERT INTO motcua.inquiries (
            gateway, gateway_message_id, dedupe_key, received_at, msisdn, text, asked_code, outcome, dossier_id,
            agency_code, as_of, told_result, fee, message_id
        )
        VALUES (
            asked.gateway, motcua.provider_id(left(asked.gateway_message_id, 200)),
            motcua.provider_id(asked.dedupe_key), asked.received_at, asked.phone,
            left(asked.text, 1000), left(asked.asked_code, 80), asked.outcome, asked.dossier_id, asked.agency_code,
            asked.as_of, asked.told_result, asked.fee, of_reply
        )
        ON CONFLICT (gateway, dedupe_key) DO NOTHING;
        -- Or one of before, whose key is not replaced yet.
        IF NOT FOUND OR EXISTS (
            SELECT 1 FROM motcua.inquiries AS i WHERE i.gateway = asked.gateway AND i.dedupe_key = asked.dedupe_key
        ) THEN
            -- Takes the second reply back.
            RAISE EXCEPTION 'the inquiry is there already' USING ERRCODE = 'MC009';
        END IF;
    EXCEPTION
        WHEN SQLSTATE 'MC009' THEN
            RETURN FALSE;
    END;
    RETURN TRUE;
END
$$;
COMMENT ON FUNCTION motcua.save_inquiry(jsonb)
IS 'Writes an inquiry with its reply, once; the reply is to the phone that asks, and is never sent.';

-- The reply that an inquiry got when it was first brought: to be asked by whoever is brought it again.
CREATE OR REPLACE FUNCTION motcua.reply_given(at_gateway text, key_of_inquiry text)
RETURNS TABLE (text text, accented boolean, outcome text) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, motcua AS $$
BEGIN
    RETURN QUERY
    SELECT m.text, m.accented, i.outcome
    FROM motcua.inquiries AS i
    INNER JOIN motcua.messages AS m ON i.message_id = m.message_id
    WHERE i.gateway = at_gateway AND i.dedupe_key IN (motcua.provider_id(key_of_inquiry), key_of_inquiry);
END
$$;
COMMENT ON FUNCTION motcua.reply_given(text, text) IS 'The reply that an inquiry got when it was first brought.';

-- What auditors may read of inquiries to 9029: nobody's phone or words, also where an id of before holds a number.
CREATE OR REPLACE VIEW audit.inquiries AS
SELECT
    inquiry_id, gateway, motcua.without_numbers(gateway_message_id) AS gateway_message_id, received_at, outcome,
    dossier_id, agency_code, as_of, told_result, fee, message_id, counted_at
FROM motcua.inquiries;
