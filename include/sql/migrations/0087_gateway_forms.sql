-- depends: 0086_tokens
-- Store whether a gateway always sends texts with accents, and which unit it bills. Web pages need both, but cannot
-- read the gateway's Airflow connection, which states both.
ALTER TABLE motcua.gateways ADD COLUMN unit text, ADD COLUMN always_accented boolean;
