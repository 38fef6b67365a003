-- depends: 0051_verified
-- Statements that somebody put into their folder by the page: who signed for which file.

CREATE TABLE motcua.statement_uploads (
    upload_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    form text NOT NULL CHECK (form ~ '^[a-z0-9_]+$'),
    month date NOT NULL CHECK (extract(DAY FROM month) = 1),
    file_name text NOT NULL CHECK (btrim(file_name) <> ''),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    uploaded_at timestamptz NOT NULL,
    uploaded_by text NOT NULL CHECK (btrim(uploaded_by) <> '')
);
CREATE INDEX statement_uploads_of_file ON motcua.statement_uploads (sha256, form);
COMMENT ON TABLE motcua.statement_uploads IS 'Each statement that was put into its folder by the page, after what was read in it was confirmed; the file itself is read by a run as any other of the folder. Append-only.';
COMMENT ON COLUMN motcua.statement_uploads.upload_no IS 'Our number.';
COMMENT ON COLUMN motcua.statement_uploads.form IS 'The form: the folder into which it was put.';
COMMENT ON COLUMN motcua.statement_uploads.month IS 'First day of the month that it is of.';
COMMENT ON COLUMN motcua.statement_uploads.file_name IS 'Its name in the folder, which tells the month.';
COMMENT ON COLUMN motcua.statement_uploads.sha256 IS 'SHA-256 of the file, hexadecimal.';
COMMENT ON COLUMN motcua.statement_uploads.uploaded_at IS 'When it was confirmed.';
COMMENT ON COLUMN motcua.statement_uploads.uploaded_by IS 'Who did it. Personal data of staff.';
