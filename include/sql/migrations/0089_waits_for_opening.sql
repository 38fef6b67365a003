-- depends: 0088_receipts
-- Let an agency choose that its messages wait for the hours of its first gateway instead of using another gateway, if
-- they are still useful to the citizen then.
ALTER TABLE motcua.agencies ADD COLUMN waits_for_opening boolean NOT NULL DEFAULT FALSE;
COMMENT ON COLUMN motcua.agencies.waits_for_opening
IS 'Whether a message waits for its first gateway when that gateway accepts nothing at night or no more that day, instead of using another gateway. A message that would be useless by then does not wait.';
