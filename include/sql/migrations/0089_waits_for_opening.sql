-- depends: 0088_receipts
-- An agency may have its messages wait for the first gateway's hours, where they are still of use then.
ALTER TABLE motcua.agencies ADD COLUMN waits_for_opening boolean NOT NULL DEFAULT FALSE;
COMMENT ON COLUMN motcua.agencies.waits_for_opening
IS 'A message that is still of use then waits for a gateway that takes nothing at night, or no more that day, rather than go by one after it.';
