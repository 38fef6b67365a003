-- Writes down that somebody put a statement into its folder; gives the upload's number. Called by store/uploads.py.
INSERT INTO motcua.statement_uploads (form, month, file_name, sha256, uploaded_at, uploaded_by)
VALUES (%(form)s, %(month)s, %(file_name)s, %(sha256)s, %(uploaded_at)s, %(uploaded_by)s)
RETURNING upload_no
