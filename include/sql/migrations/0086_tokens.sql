-- depends: 0085_expected_stops
-- Store whether the access tokens of a gateway are renewed in time, so that the watch can report a failed renewal. The
-- tokens themselves are never stored in the ledger.
ALTER TABLE motcua.gateways
ADD COLUMN tokens_until timestamptz,
ADD COLUMN tokens_failed_at timestamptz,
ADD COLUMN tokens_fault text;
COMMENT ON COLUMN motcua.gateways.tokens_until
IS 'Until when the access token is valid, if the gateway requires tokens; empty: there is none.';
COMMENT ON COLUMN motcua.gateways.tokens_failed_at
IS 'Since when the tokens could not be renewed although they are due; empty: they are renewed.';
COMMENT ON COLUMN motcua.gateways.tokens_fault IS 'Why the tokens could not be renewed, without a secret.';
