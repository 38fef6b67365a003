-- depends: 0086_tokens
-- Store whether a gateway always sends texts with accents, and which unit it bills. The gateway's Airflow connection
-- states these settings. Web pages need the settings, but cannot read the connection.
ALTER TABLE motcua.gateways ADD COLUMN unit text, ADD COLUMN always_accented boolean;
