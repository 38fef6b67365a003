-- depends: 0088_receipts
-- Let an agency choose that its messages wait until their first gateway accepts messages again, for example in the
-- morning, instead of using another gateway. A message that would be useless by that time does not wait.
ALTER TABLE motcua.agencies ADD COLUMN waits_for_opening boolean NOT NULL DEFAULT FALSE;
COMMENT ON COLUMN motcua.agencies.waits_for_opening
IS 'Whether a message waits for its first gateway when that gateway accepts nothing at night or no more that day, instead of using another gateway. A message that would be useless by then does not wait.';
