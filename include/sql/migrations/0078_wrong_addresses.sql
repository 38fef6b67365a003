-- depends: 0077_provider_ids
-- Add a table that counts calls for a client that may call without a password, when the call comes from an address
-- outside the client's networks. When there are many such calls within a minute, each of them is answered late.
CREATE TABLE intake.wrong_addresses (
    client_id bigint PRIMARY KEY REFERENCES intake.clients,
    since timestamptz NOT NULL,
    wrong integer NOT NULL CHECK (wrong > 0)
);
COMMENT ON TABLE intake.wrong_addresses
IS 'Calls without a session from addresses that are none of the client''s, of the minute that the newest began: beyond some, each is answered late.';
COMMENT ON COLUMN intake.wrong_addresses.client_id IS 'The client that such a call would have been taken for.';
COMMENT ON COLUMN intake.wrong_addresses.since IS 'When the minute began.';
COMMENT ON COLUMN intake.wrong_addresses.wrong IS 'Calls since then.';
