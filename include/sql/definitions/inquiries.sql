-- Inquiries: texts of citizens to the number 9029 that ask about a dossier. This file defines how the inquiries of a
-- phone are limited, on which data a reply is based, how an inquiry is stored, and what auditors may read.

-- Return a keyed hash of a provider's identifier of an inquiry. The hash is stored in place of the identifier, which
-- may be made from the phone number. The hash has letters only, so that it neither holds a number nor looks like one.
-- The same identifier always gives the same hash, because this ledger's key never changes (motcua.pseudonym_key). If
-- the given value is such a hash already, it is returned unchanged. The function can therefore be applied to all stored
-- values, although earlier versions stored some without hashing.
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
IS 'Returns a keyed hash in place of an identifier from a provider, which may hold a phone number; the same identifier gives the same hash.';

-- Wait until no other inquiry of this phone is being answered, and lock the phone until this transaction ends. The role
-- of the callbacks app may take this advisory lock and no other. Called by include/sql/inquiries.sql.
CREATE OR REPLACE FUNCTION motcua.wait_for_phone(phone text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_advisory_xact_lock(9029, hashtext(phone))
$$;
COMMENT ON FUNCTION motcua.wait_for_phone(text)
IS 'Waits until no other inquiry of this phone is being answered, and locks the phone until this transaction ends.';

-- Return whether a phone has used up its inquiries of the day, and whether a gateway has used up its inquiries of the
-- minute (motcua.inquiries). Each count stops at its limit, so that it reads few rows.
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
IS 'Returns whether a phone has used up its inquiries of the day, and whether a gateway has used up its inquiries of the minute.';

-- Return the dossiers whose code matches one of the given codes, in their present state (motcua.dossiers,
-- motcua.transitions), without phone numbers and names. The step and the status are those of the dossier's row or those
-- of its last step, whichever is newer. If motcua.last_step returns a true row_speaks, they are those of the row. If
-- several dossiers share a code, is_askers is true for the dossiers that belong to the asking phone. For a dossier with
-- a unique code, is_askers is always false, because such a dossier is shown to everybody who asks.
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
IS 'Returns the dossiers whose code matches one of the given codes, in their present state and without phone numbers and names. Dossiers of the asking phone come first.';

-- Insert an inquiry with its reply, once, and return whether it is new (motcua.inquiries, motcua.messages). If a
-- gateway delivers the inquiry again, the second call waits until the first one is committed, and then writes nothing.
-- The answer to the gateway's request carries the reply to the asking phone. The reply is therefore never sent as a
-- message, and a role that may call this function cannot use it to queue a message.
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
        -- An earlier version may have stored the inquiry under a key in an older form that is not replaced yet.
        IF NOT FOUND OR EXISTS (
            SELECT 1 FROM motcua.inquiries AS i WHERE i.gateway = asked.gateway AND i.dedupe_key = asked.dedupe_key
        ) THEN
            -- The exception rolls back the reply that was inserted just before.
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
IS 'Inserts an inquiry with its reply, once. The reply is for the phone that asks and is never sent as a message.';

-- Return the reply that an inquiry got when it first arrived (motcua.inquiries, motcua.messages). The reply is given
-- again to a gateway that delivers the inquiry again.
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
COMMENT ON FUNCTION motcua.reply_given(text, text) IS 'Returns the reply that an inquiry got when it first arrived.';

-- Let auditors read inquiries, without phone numbers and texts. Numbers in gateway_message_id are masked, because an
-- identifier that an earlier version stored may contain the phone number.
CREATE OR REPLACE VIEW audit.inquiries AS
SELECT
    inquiry_id, gateway, motcua.without_numbers(gateway_message_id) AS gateway_message_id, received_at, outcome,
    dossier_id, agency_code, as_of, told_result, fee, message_id, counted_at
FROM motcua.inquiries;
