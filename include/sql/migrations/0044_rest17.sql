-- depends: 0043_periods
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

-- What tells repeats of an inquiry is a hash of its sender and words where the provider gives no number of its own: it
-- can be guessed back, and goes when they do. Rows that were emptied before keep theirs.
ALTER TABLE motcua.inquiries ALTER COLUMN dedupe_key DROP NOT NULL;
COMMENT ON COLUMN motcua.inquiries.dedupe_key IS 'The same for each time that the gateway brings it: a hash of the provider''s id, else of sender, text and minute. Personal data; empty: emptied, a repeat would be another inquiry.';

COMMENT ON TABLE motcua.phone_searches IS 'Each time that somebody looked for dossiers by a citizen''s phone number, or had numbers of a source written in full; no number is kept. Append-only.';
COMMENT ON COLUMN motcua.phone_searches.found IS 'Dossiers found, or rows written.';
