-- depends: 0063_portal
-- Exported files that were taken away before they were read, and those that somebody sent by the page.

ALTER TABLE intake.exports
DROP CONSTRAINT exports_state_check,
ADD CONSTRAINT exports_state_check CHECK (
    state IN ('waiting', 'taken', 'repeated', 'outdated', 'refused', 'accepted', 'removed')
) NOT VALID,
ADD COLUMN sent_by text CHECK (btrim(sent_by) <> ''),
ADD COLUMN sent_at timestamptz,
ADD CONSTRAINT exports_sent_check CHECK ((sent_by IS NULL) = (sent_at IS NULL)) NOT VALID;
COMMENT ON COLUMN intake.exports.state IS 'waiting (for being whole), taken, repeated (it was taken before), outdated (a newer one was), refused, accepted (it had been refused, and was taken as it is because a person said so), removed (it was gone from its folder before it was read).';
COMMENT ON COLUMN intake.exports.read_at IS 'When it was read, or seen to be gone.';
COMMENT ON COLUMN intake.exports.sent_by IS 'Who sent it by the page; empty: it was dropped. Personal data of staff.';
COMMENT ON COLUMN intake.exports.sent_at IS 'When he confirmed it.';
