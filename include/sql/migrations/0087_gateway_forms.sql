-- depends: 0086_tokens
-- In which form a gateway sends texts, and what it counts, so that pages can show it without having the connection.
ALTER TABLE motcua.gateways ADD COLUMN unit text, ADD COLUMN always_accented boolean;
COMMENT ON COLUMN motcua.gateways.unit IS 'What it counts and bills; empty: segments.';
COMMENT ON COLUMN motcua.gateways.always_accented
IS 'Texts go with accents, which cost nothing there, whatever an agency chose; empty: as it chose.';
