-- depends: 0083_unreachable
-- Store in each message also the values with accents that are put into its text, and in each attempt whether the text
-- was sent with accents and which unit the gateway bills. The reason is that the text of a message is now composed for
-- the gateway that sends it, with accents or without.
ALTER TABLE motcua.messages ADD COLUMN accented_parameters text[];
ALTER TABLE motcua.messages DROP CONSTRAINT messages_purged,
ADD CONSTRAINT messages_purged CHECK (
    purged_at IS NULL
    OR (msisdn IS NULL AND text = '' AND parameters = '{}' AND accented_parameters IS NULL)
) NOT VALID;

ALTER TABLE motcua.attempts ADD COLUMN unit text, ADD COLUMN accented boolean,
ADD CONSTRAINT attempts_unit_check CHECK (unit IN ('segment', 'message')) NOT VALID;
