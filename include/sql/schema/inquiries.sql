-- Inquiries: texts about dossiers that citizens send to the short code 9029, each counted once, with its reply and fee.

CREATE TABLE motcua.inquiries (
    inquiry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway text NOT NULL,
    gateway_message_id text,
    dedupe_key text,
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
    purged_at timestamptz,
    UNIQUE (gateway, dedupe_key),
    CHECK ((outcome = 'answered') = (dossier_id IS NOT NULL)),
    CHECK ((dossier_id IS NULL) = (as_of IS NULL)),
    CHECK ((dossier_id IS NULL) = (agency_code IS NULL)),
    CHECK (dossier_id IS NOT NULL OR NOT told_result)
);
CREATE INDEX inquiries_phone ON motcua.inquiries (msisdn, received_at);
CREATE INDEX inquiries_gateway ON motcua.inquiries (gateway, received_at);
CREATE INDEX inquiries_told_result ON motcua.inquiries (dossier_id) WHERE told_result;
CREATE INDEX inquiries_received ON motcua.inquiries (received_at);
CREATE INDEX inquiries_unpurged ON motcua.inquiries (inquiry_id) WHERE purged_at IS NULL;
-- The identifiers that gateways give to texts are stored as keyed hashes (motcua.provider_id). This index has the rows
-- whose identifiers an earlier version of this software stored without hashing. The purge of personal data hashes these
-- identifiers, until the index is empty.
CREATE INDEX inquiries_with_ids ON motcua.inquiries (inquiry_id)
WHERE gateway_message_id !~ '^id-[a-p]{32}$' OR dedupe_key ~ '^[0-9a-f]{64}$';
COMMENT ON TABLE motcua.inquiries IS 'Texts to 9029 (tra cứu), each counted once however often the gateway delivers it, append-only. Holds personal data.';
COMMENT ON COLUMN motcua.inquiries.inquiry_id IS 'Our number of the inquiry.';
COMMENT ON COLUMN motcua.inquiries.gateway IS 'Gateway that delivered the inquiry.';
COMMENT ON COLUMN motcua.inquiries.gateway_message_id IS 'A keyed hash of the gateway''s own identifier of the text; empty: the gateway gave none, or it was emptied.';
COMMENT ON COLUMN motcua.inquiries.dedupe_key IS 'Key that is equal each time the gateway delivers the same text: a keyed hash of the gateway''s identifier of the text, or of sender, text and minute. Personal data; empty: the key was emptied, so the same text would count as another inquiry if it were delivered again.';
COMMENT ON COLUMN motcua.inquiries.received_at IS 'When the text arrived.';
COMMENT ON COLUMN motcua.inquiries.msisdn IS 'Phone number that sent the text, E.164; empty: the sender was a name or a short code. Personal data.';
COMMENT ON COLUMN motcua.inquiries.text IS 'Text of the inquiry, as received. Personal data.';
COMMENT ON COLUMN motcua.inquiries.asked_code IS 'Code that the text asks for, in the form in which codes are compared; empty: none was found.';
COMMENT ON COLUMN motcua.inquiries.outcome IS 'Kind of the reply: answered, help, unknown_code, several_agencies, too_many, service_off or error.';
COMMENT ON COLUMN motcua.inquiries.dossier_id IS 'The dossier that the reply is about; empty: none.';
COMMENT ON COLUMN motcua.inquiries.agency_code IS 'Agency of the dossier that the reply is about.';
COMMENT ON COLUMN motcua.inquiries.as_of IS 'When the dossier''s state in the reply was read from the source.';
COMMENT ON COLUMN motcua.inquiries.told_result IS 'Whether a message had told the citizen that the result is ready, and the result was not handed over yet. The citizen may have asked because the result was not at the desk.';
COMMENT ON COLUMN motcua.inquiries.fee IS 'Fee in đồng that the citizen paid for the text.';
COMMENT ON COLUMN motcua.inquiries.message_id IS 'The reply, a message of the kind reply.';
COMMENT ON COLUMN motcua.inquiries.counted_at IS 'When this row was written; later than received_at if the ledger was unavailable.';
COMMENT ON COLUMN motcua.inquiries.purged_at IS 'When the phone number and the text were emptied.';
