-- Statements that were put into their folder by the page and that no run has read since, neither to take nor to refuse
-- them, the newest first. Called by store/uploads.py.
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
LIMIT %(most)s
