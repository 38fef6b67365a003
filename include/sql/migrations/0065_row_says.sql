-- depends: 0064_files
-- What a pushed dossier's row itself said of its status, beside the status that holds: a row that came before its
-- step is held back, and what it said must be known when the step comes. Empty of rows that came before: the status
-- that holds and when they last changed stand for it.

ALTER TABLE intake.pushed_dossiers
ADD COLUMN said_status smallint,
ADD COLUMN said_at timestamptz;
COMMENT ON COLUMN intake.pushed_dossiers.status_code IS 'Status that holds: as it came (TrangThaiHoSo), or of the last step; empty: none that can be read.';
COMMENT ON COLUMN intake.pushed_dossiers.said_status IS 'Status as it came last (TrangThaiHoSo), also where it was held back; empty: none that can be read.';
COMMENT ON COLUMN intake.pushed_dossiers.said_at IS 'When it came; empty: no push said one.';
