-- depends: 0089_waits_for_opening
-- Store what is needed to compute a gateway's bill: the prices of each gateway in its own unit, and the carrier of the
-- phone number of each attempt.
ALTER TABLE motcua.gateways ADD COLUMN prices jsonb;
ALTER TABLE motcua.attempts ADD COLUMN carrier text;
