-- Statements that somebody put into their folder by the page. Called by store/oversight/statements.py.

-- name: one_at_a_time
-- Until the end of the transaction nobody else puts a statement into its folder.
SELECT motcua.wait_for_folder('statements');

-- name: save
-- Writes down that somebody put a statement into its folder; gives the upload's number.
INSERT INTO motcua.statement_uploads (form, month, file_name, sha256, uploaded_at, uploaded_by)
VALUES (%(form)s, %(month)s, %(file_name)s, %(sha256)s, %(uploaded_at)s, %(uploaded_by)s)
RETURNING upload_no;

-- name: unread
-- Statements that were put into their folder by the page and that no run has read since, neither to take nor to refuse
-- them, the newest first.
SELECT u.form, u.month, u.file_name, u.sha256, u.uploaded_at, u.uploaded_by
FROM motcua.statement_uploads AS u
WHERE
    u.uploaded_at > %(since)s
    AND NOT EXISTS (SELECT 1 FROM audit.carrier_statements AS s WHERE s.sha256 = u.sha256)
    AND NOT EXISTS (
        SELECT 1 FROM audit.refused_statements AS r
        WHERE r.sha256 = u.sha256 AND r.form = u.form AND r.refused_at >= u.uploaded_at
    )
ORDER BY u.upload_no DESC
LIMIT %(most)s;

-- name: who_uploaded
-- Who put this file into the form's folder by the page, the last time that somebody did.
SELECT u.uploaded_by
FROM motcua.statement_uploads AS u
WHERE u.sha256 = %(sha256)s AND u.form = %(form)s
ORDER BY u.upload_no DESC
LIMIT 1;
