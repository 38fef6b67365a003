-- depends: 0046_rechecks
-- A complaint that is tied to no dossier goes at its citizen's request, too; one that nobody settled, as soon as it is.

ALTER TABLE motcua.complaints ADD COLUMN erase_asked_at timestamptz;
COMMENT ON COLUMN motcua.complaints.erase_asked_at IS 'Since when its words are to be emptied as soon as it is settled, whatever its agency''s term, because a citizen asked for it; of one that is tied to no dossier. Empty: nobody asked, or it went at once.';
COMMENT ON COLUMN motcua.personal_data_requests.agency_code IS 'Agency of the dossier, or of the code that no dossier has, that was asked about; empty: it was asked by a phone number.';
COMMENT ON COLUMN motcua.personal_data_requests.dossier_code IS 'That code; a mark instead of what may be a name or a number.';
