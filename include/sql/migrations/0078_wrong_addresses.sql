-- depends: 0077_provider_ids
-- Add a table that counts, for each client that may call without a password, the calls from addresses outside its
-- networks. If there are many such calls within a minute, each further one is answered late.
CREATE TABLE intake.wrong_addresses (
    client_id bigint PRIMARY KEY REFERENCES intake.clients,
    since timestamptz NOT NULL,
    wrong integer NOT NULL CHECK (wrong > 0)
);
