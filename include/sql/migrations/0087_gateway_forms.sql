-- depends: 0086_tokens
-- Store whether a gateway always sends texts with accents, and which unit it bills. Pages need both, and they cannot
-- read the gateway's connection, which states them.
ALTER TABLE motcua.gateways ADD COLUMN unit text, ADD COLUMN always_accented boolean;
COMMENT ON COLUMN motcua.gateways.unit IS 'What it counts and bills; empty: segments.';
COMMENT ON COLUMN motcua.gateways.always_accented
IS 'Texts go with accents, which cost nothing there, whatever an agency chose; empty: as it chose.';
