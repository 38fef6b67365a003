-- depends: 0075_page_requests
-- transactional: false
-- Add an index that finds inquiries (texts to the short code 9029) with an identifier that is not hashed. A provider
-- gives each text an identifier. From this version on, this identifier is stored as a keyed hash (motcua.provider_id in
-- definitions/inquiries.sql). The index becomes empty once the purge of personal data has replaced, batch by batch, the
-- identifiers that earlier versions stored. The index is built concurrently so that inquiries can be stored meanwhile.
-- An interrupted build leaves an invalid index, which the next try drops first.
DROP INDEX CONCURRENTLY IF EXISTS motcua.inquiries_with_ids;
CREATE INDEX CONCURRENTLY inquiries_with_ids ON motcua.inquiries (inquiry_id)
WHERE gateway_message_id !~ '^id-[a-p]{32}$' OR dedupe_key ~ '^[0-9a-f]{64}$';
COMMENT ON COLUMN motcua.inquiries.gateway_message_id
IS 'A keyed hash of the gateway''s own identifier of the text; empty: the gateway gave none, or it was emptied.';
COMMENT ON COLUMN motcua.inquiries.dedupe_key
IS 'Key that is equal each time the gateway delivers the same text: a keyed hash of the provider''s identifier, or of sender, text and minute. Personal data; empty: the key was emptied, so the same text would count as another inquiry if it were delivered again.';
COMMENT ON COLUMN motcua.attempts.gateway_reference
IS 'The gateway''s own reference, with which the gateway is queried. It may be made from the phone number. Personal data.';
COMMENT ON COLUMN motcua.statement_lines.reference
IS 'Our reference of the attempt, as the provider repeats it. Phone numbers in it are masked.';
COMMENT ON COLUMN motcua.statement_lines.gateway_reference IS 'The provider''s own reference of the message. Phone numbers in it are masked.';
