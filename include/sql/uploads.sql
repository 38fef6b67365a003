-- Store which carrier statements (a provider's monthly lists of the messages that it bills) staff uploaded on the page.
-- Called by store/oversight/statements.py.

-- name: one_at_a_time
-- Wait until no other transaction uploads a carrier statement, and make others wait until this transaction ends
-- (motcua.wait_for_folder).
SELECT motcua.wait_for_folder('statements');

-- name: save
-- Log that a person uploaded a carrier statement, and return the upload's number (motcua.statement_uploads).
INSERT INTO motcua.statement_uploads (form, month, file_name, sha256, uploaded_at, uploaded_by)
VALUES (%(form)s, %(month)s, %(file_name)s, %(sha256)s, %(uploaded_at)s, %(uploaded_by)s)
RETURNING upload_no;

-- name: unread
-- Return the carrier statements that were uploaded after a moment and that no run has imported, or refused after the
-- upload, the newest first (motcua.statement_uploads).
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
-- Return who last uploaded this file with this form, the carrier's layout (motcua.statement_uploads).
SELECT u.uploaded_by
FROM motcua.statement_uploads AS u
WHERE u.sha256 = %(sha256)s AND u.form = %(form)s
ORDER BY u.upload_no DESC
LIMIT 1;
