-- Status codes of one source that differ from the national ones, as they stand at a moment. Called by
-- store/notices/sources.py.
SELECT source_status, status_code
FROM motcua.status_meanings
WHERE source_id = %(source_id)s AND (ends_at IS NULL OR ends_at > %(at)s)
