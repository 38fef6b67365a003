-- depends: 0086_tokens
-- Store whether a gateway always sends texts with accents, and which unit it bills. Pages need both, and they cannot
-- read the gateway's connection, which states them.
ALTER TABLE motcua.gateways ADD COLUMN unit text, ADD COLUMN always_accented boolean;
COMMENT ON COLUMN motcua.gateways.unit IS 'Unit that the gateway counts and bills: segment or message; empty: segment.';
COMMENT ON COLUMN motcua.gateways.always_accented
IS 'Whether texts are always sent with accents, which cost nothing at this gateway; empty: as the agency chose.';
