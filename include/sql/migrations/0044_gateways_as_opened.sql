-- depends: 0040_personal_data_requests
-- What senders find a gateway's connection to say, so that the first page can show it without having the connection.

ALTER TABLE motcua.gateways
ADD COLUMN opened_at timestamptz,
ADD COLUMN fault text,
ADD COLUMN carriers text[],
ADD COLUMN segments_per_second double precision,
ADD COLUMN segments_per_day bigint;
COMMENT ON COLUMN motcua.gateways.opened_at IS 'Since when senders find the connection as it is described here; empty: none has opened it yet.';
COMMENT ON COLUMN motcua.gateways.fault IS 'What is wrong with its connection; empty: nothing.';
COMMENT ON COLUMN motcua.gateways.carriers IS 'Carriers at which its brandname is registered; empty: every carrier.';
COMMENT ON COLUMN motcua.gateways.segments_per_second IS 'Most segments a second, all senders together; empty: no limit.';
COMMENT ON COLUMN motcua.gateways.segments_per_day IS 'Most segments a day; empty: no limit.';
