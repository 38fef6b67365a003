-- depends: 0085_expected_stops
-- Store whether the access tokens of a gateway are renewed in time, so that the watch (the process that raises alerts)
-- can report a failed renewal. The tokens themselves are never stored in the ledger.
ALTER TABLE motcua.gateways
ADD COLUMN tokens_until timestamptz,
ADD COLUMN tokens_failed_at timestamptz,
ADD COLUMN tokens_fault text;
