-- depends: 0083_unreachable
-- Store in each message also the values of the text with accents, and in each attempt whether the text was sent with
-- accents and how many units of which kind were handed over. The reason is that the text of a message is now composed
-- for the gateway that sends it, with accents or without.
ALTER TABLE motcua.messages ADD COLUMN accented_parameters text[];
COMMENT ON COLUMN motcua.messages.text
IS 'Text as planned. A gateway where accents cost nothing sends it with accents. Personal data.';
COMMENT ON COLUMN motcua.messages.accented_parameters
IS 'The values in parameters with accents, if the text was planned without accents; empty: the values in parameters have accents, or accented ones are not known. Personal data.';
COMMENT ON COLUMN motcua.messages.accented IS 'Whether the text was planned with accents.';
COMMENT ON COLUMN motcua.messages.segments IS 'SMS segments of the text as planned.';
ALTER TABLE motcua.messages DROP CONSTRAINT messages_purged,
ADD CONSTRAINT messages_purged CHECK (
    purged_at IS NULL
    OR (msisdn IS NULL AND text = '' AND parameters = '{}' AND accented_parameters IS NULL)
) NOT VALID;

ALTER TABLE motcua.attempts ADD COLUMN unit text, ADD COLUMN accented boolean,
ADD CONSTRAINT attempts_unit_check CHECK (unit IN ('segment', 'message')) NOT VALID;
COMMENT ON COLUMN motcua.attempts.segments IS 'Units handed over: SMS segments, or what the column unit states.';
COMMENT ON COLUMN motcua.attempts.unit IS 'Unit that the gateway counts and bills: segment or message; empty: segment.';
COMMENT ON COLUMN motcua.attempts.accented IS 'Whether the text was sent with accents; empty: as its message was planned.';
