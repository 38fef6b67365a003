-- depends: 0075_page_requests
-- transactional: false
-- From this version on, identifiers that providers give texts to 9029 are stored as keyed hashes (motcua.provider_id in
-- definitions/inquiries.sql). Add an index that finds the rows of an earlier version. The index becomes empty once the
-- purge of personal data has replaced their identifiers, batch by batch.
-- The index is built concurrently so that inquiries can go on. An interrupted build leaves an invalid index, which the
-- next try drops first.
DROP INDEX CONCURRENTLY IF EXISTS motcua.inquiries_with_ids;
CREATE INDEX CONCURRENTLY inquiries_with_ids ON motcua.inquiries (inquiry_id)
WHERE gateway_message_id !~ '^id-[a-p]{32}$' OR dedupe_key ~ '^[0-9a-f]{64}$';
COMMENT ON COLUMN motcua.inquiries.gateway_message_id
IS 'A keyed hash of the gateway''s own id of the text; empty where it gave none, or emptied.';
COMMENT ON COLUMN motcua.inquiries.dedupe_key
IS 'The same for each time that the gateway brings it: a keyed hash of the provider''s id, else of sender, text and minute. Personal data; empty: emptied, a repeat would be another inquiry.';
COMMENT ON COLUMN motcua.attempts.gateway_reference
IS 'The gateway''s own reference, by which it is asked; it may be made of the number. Personal data.';
COMMENT ON COLUMN motcua.statement_lines.reference
IS 'Our reference, as the provider gives it back; numbers in it are masked.';
COMMENT ON COLUMN motcua.statement_lines.gateway_reference IS 'The provider''s own reference; numbers in it are masked.';
