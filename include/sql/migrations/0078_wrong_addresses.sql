-- depends: 0077_provider_ids
-- Add a table that counts calls for a client that may call without a password, if they come from an address outside the
-- client's networks. If there are many such calls within a minute, each further one is answered late.
CREATE TABLE intake.wrong_addresses (
    client_id bigint PRIMARY KEY REFERENCES intake.clients,
    since timestamptz NOT NULL,
    wrong integer NOT NULL CHECK (wrong > 0)
);
COMMENT ON TABLE intake.wrong_addresses
IS 'Number of calls without a session from addresses outside the client''s networks, in the last minute in which there was such a call. Beyond a limit, each such call is answered late.';
COMMENT ON COLUMN intake.wrong_addresses.client_id IS 'The client for which such a call was made.';
COMMENT ON COLUMN intake.wrong_addresses.since IS 'When the minute in which the calls are counted began.';
COMMENT ON COLUMN intake.wrong_addresses.wrong IS 'Number of such calls since the minute began.';
