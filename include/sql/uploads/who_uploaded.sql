-- Who put this file into the form's folder by the page, the last time that somebody did. Called by store/uploads.py.
SELECT u.uploaded_by
FROM motcua.statement_uploads AS u
WHERE u.sha256 = %(sha256)s AND u.form = %(form)s
ORDER BY u.upload_no DESC
LIMIT 1
