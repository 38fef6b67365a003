-- depends: 0083_unreachable
-- Store in each message the values that are put into its text also in the form with Vietnamese accents. Store in each
-- attempt whether the text was sent with accents, and which unit the gateway bills. These columns are needed because
-- the text of a message is composed, with accents or without, for the gateway through which it is sent.
ALTER TABLE motcua.messages ADD COLUMN accented_parameters text[];
ALTER TABLE motcua.messages DROP CONSTRAINT messages_purged,
ADD CONSTRAINT messages_purged CHECK (
    purged_at IS NULL
    OR (msisdn IS NULL AND text = '' AND parameters = '{}' AND accented_parameters IS NULL)
) NOT VALID;

ALTER TABLE motcua.attempts ADD COLUMN unit text, ADD COLUMN accented boolean,
ADD CONSTRAINT attempts_unit_check CHECK (unit IN ('segment', 'message')) NOT VALID;
