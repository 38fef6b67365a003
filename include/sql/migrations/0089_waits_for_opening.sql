-- depends: 0088_receipts
-- Let an agency choose that its messages wait while their preferred gateway is closed, for example until the morning,
-- instead of going through the next gateway. A message that would be useless by the opening does not wait.
ALTER TABLE motcua.agencies ADD COLUMN waits_for_opening boolean NOT NULL DEFAULT FALSE;
