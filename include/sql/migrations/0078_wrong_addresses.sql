-- depends: 0077_provider_ids
-- Add a table that counts calls from wrong addresses. A client is an account of one-stop software. If the client may
-- call without a password, its calls must come from its own networks. After many calls from other addresses within a
-- minute, each further wrong call for this client is answered late.
CREATE TABLE intake.wrong_addresses (
    client_id bigint PRIMARY KEY REFERENCES intake.clients,
    since timestamptz NOT NULL,
    wrong integer NOT NULL CHECK (wrong > 0)
);
