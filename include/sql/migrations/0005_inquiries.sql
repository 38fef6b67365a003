-- depends: 0004_audit
-- Inquiries to 9029 with their replies, and the key by which a texted code finds its dossier.

CREATE FUNCTION motcua.code_key(code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN translate(
    upper(
        CASE
            WHEN octet_length(code) = char_length(code) THEN code
            ELSE translate(
                code,
                'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ'
                || 'ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ'
                || '‐‑‒–—−' || chr(160),
                'aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd'
                || 'AAAAAAAAAAAAAAAAAEEEEEEEEEEEIIIIIOOOOOOOOOOOOOOOOOUUUUUUUUUUUYYYYYD'
                || '------'
            )
        END COLLATE "C"
    ),
    'OIL _',
    '011'
);
COMMENT ON FUNCTION motcua.code_key(text)
IS 'A dossier code as it is looked up: upper case, no accents, blanks or _, any dash a hyphen; O and 0, I, l and 1 are the same.';

CREATE TABLE motcua.inquiries (
    inquiry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway text NOT NULL,
    gateway_message_id text,
    dedupe_key text NOT NULL,
    received_at timestamptz NOT NULL,
    msisdn text,
    text text,
    asked_code text,
    outcome text NOT NULL CHECK (outcome IN (
        'answered', 'help', 'unknown_code', 'several_agencies', 'too_many', 'service_off', 'error'
    )),
    dossier_id bigint REFERENCES motcua.dossiers,
    agency_code text REFERENCES motcua.agencies,
    as_of timestamptz,
    told_result boolean NOT NULL DEFAULT FALSE,
    fee integer NOT NULL CHECK (fee >= 0),
    message_id bigint NOT NULL UNIQUE REFERENCES motcua.messages,
    counted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (gateway, dedupe_key),
    CHECK ((outcome = 'answered') = (dossier_id IS NOT NULL)),
    CHECK ((dossier_id IS NULL) = (as_of IS NULL)),
    CHECK ((dossier_id IS NULL) = (agency_code IS NULL)),
    CHECK (dossier_id IS NOT NULL OR NOT told_result)
);
CREATE INDEX inquiries_phone ON motcua.inquiries (msisdn, received_at);
CREATE INDEX inquiries_gateway ON motcua.inquiries (gateway, received_at);
CREATE INDEX inquiries_told_result ON motcua.inquiries (dossier_id) WHERE told_result;
COMMENT ON TABLE motcua.inquiries
IS 'Texts to 9029 (tra cứu), each counted once however often it is delivered, append-only. Holds personal data.';
COMMENT ON COLUMN motcua.inquiries.inquiry_id IS 'Our number.';
COMMENT ON COLUMN motcua.inquiries.gateway IS 'Gateway that brought it.';
COMMENT ON COLUMN motcua.inquiries.gateway_message_id IS 'The gateway''s own id of the text; empty where it gives none.';
COMMENT ON COLUMN motcua.inquiries.dedupe_key IS 'Hash of that id, else of sender, text and minute: a repeat has the same.';
COMMENT ON COLUMN motcua.inquiries.received_at IS 'When it came in.';
COMMENT ON COLUMN motcua.inquiries.msisdn IS 'Phone that asked, E.164 where it is a mobile number, else as given. Personal data.';
COMMENT ON COLUMN motcua.inquiries.text IS 'The words as they came. Personal data.';
COMMENT ON COLUMN motcua.inquiries.asked_code IS 'Code that the words were taken to ask for, folded; empty where none was found.';
COMMENT ON COLUMN motcua.inquiries.outcome IS 'Which reply was given.';
COMMENT ON COLUMN motcua.inquiries.dossier_id IS 'The dossier answered.';
COMMENT ON COLUMN motcua.inquiries.agency_code IS 'Its agency.';
COMMENT ON COLUMN motcua.inquiries.as_of IS 'When the state that was answered from had been picked up.';
COMMENT ON COLUMN motcua.inquiries.told_result
IS 'The citizen had been told that the result is ready and it was not handed over: status and reality may differ.';
COMMENT ON COLUMN motcua.inquiries.fee IS 'Đồng that the citizen paid for it.';
COMMENT ON COLUMN motcua.inquiries.message_id IS 'The reply, a message of kind reply.';
COMMENT ON COLUMN motcua.inquiries.counted_at IS 'When this row was written; later than received_at if the ledger was away.';

CREATE FUNCTION motcua.keep_inquiry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND to_jsonb(OLD) - ARRAY['msisdn', 'text', 'asked_code'] = to_jsonb(NEW) - ARRAY['msisdn', 'text', 'asked_code']
        AND (NEW.msisdn IS NULL OR NEW.msisdn = OLD.msisdn)
        AND (NEW.text IS NULL OR NEW.text = OLD.text)
        AND (NEW.asked_code IS NULL OR NEW.asked_code = OLD.asked_code) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'inquiries is append-only: % refused', TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_inquiry() IS 'Only personal data may be emptied in an inquiry.';
CREATE TRIGGER keep_inquiry BEFORE UPDATE OR DELETE ON motcua.inquiries
FOR EACH ROW EXECUTE FUNCTION motcua.keep_inquiry();

-- As in 0003, and: a reply begins as accepted, since it goes back in the answer to the gateway's own request.
CREATE OR REPLACE FUNCTION motcua.enforce_message_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT (NEW.kind = 'reply' AND NEW.state = 'accepted')
            AND NOT EXISTS (SELECT 1 FROM motcua.message_states WHERE state = NEW.state AND may_begin) THEN
            RAISE EXCEPTION 'a message may not begin as %', NEW.state USING ERRCODE = 'MC002';
        END IF;
    ELSIF NEW.state = OLD.state AND NEW.state NOT IN ('queued', 'suppressed') THEN
        IF (NEW.msisdn, NEW.text, NEW.occasion, NEW.dossier_id, NEW.kind)
            IS DISTINCT FROM (OLD.msisdn, OLD.text, OLD.occasion, OLD.dossier_id, OLD.kind) THEN
            RAISE EXCEPTION 'message % is %: its number and words are fixed', OLD.message_id, OLD.state
            USING ERRCODE = 'MC002';
        END IF;
    ELSIF NOT EXISTS (
        SELECT 1 FROM motcua.message_moves WHERE from_state = OLD.state AND to_state = NEW.state
    ) THEN
        RAISE EXCEPTION 'message % may not move from % to %', OLD.message_id, OLD.state, NEW.state
        USING ERRCODE = 'MC002';
    END IF;
    IF TG_OP = 'INSERT' OR NEW.state <> OLD.state THEN
        NEW.changed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;

CREATE VIEW audit.inquiries AS
SELECT
    inquiry_id, gateway, gateway_message_id, received_at, outcome, dossier_id, agency_code, as_of, told_result, fee,
    message_id, counted_at
FROM motcua.inquiries;
GRANT SELECT ON audit.inquiries TO motcua_audit, motcua_app;

GRANT SELECT, INSERT ON motcua.inquiries TO motcua_app;
GRANT UPDATE (msisdn, text, asked_code) ON motcua.inquiries TO motcua_app;
