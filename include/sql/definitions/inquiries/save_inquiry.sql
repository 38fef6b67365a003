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
