-- depends: 0075_page_requests
-- transactional: false
-- Add an index of the inquiries (texts to the short code 9029) whose identifiers are not stored as keyed hashes. Since
-- the version of this migration, the identifier that the gateway gives a text is stored as a keyed hash
-- (motcua.provider_id in definitions/inquiries.sql). The purge of personal data replaces identifiers that earlier
-- versions stored, batch by batch, until the index is empty. The index is built concurrently so that inquiries can be
-- stored meanwhile. An interrupted build leaves an invalid index, which the next try drops first.
SET lock_timeout = '2s';
DROP INDEX CONCURRENTLY IF EXISTS motcua.inquiries_with_ids;
CREATE INDEX CONCURRENTLY inquiries_with_ids ON motcua.inquiries (inquiry_id)
WHERE gateway_message_id !~ '^id-[a-p]{32}$' OR dedupe_key ~ '^[0-9a-f]{64}$';
