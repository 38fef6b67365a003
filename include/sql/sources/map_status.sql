-- What one status code of a source stands for, and who says so. Called by store/notices/sources.py.
INSERT INTO motcua.status_maps (source_id, source_status, status_code, mapped_by)
SELECT source_id, %(source_status)s, %(status_code)s, %(mapped_by)s
FROM motcua.sources
WHERE name = %(name)s
ON CONFLICT (source_id, source_status) DO UPDATE SET
    status_code = excluded.status_code, mapped_at = excluded.mapped_at, mapped_by = excluded.mapped_by
