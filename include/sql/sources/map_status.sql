-- What one status code of a source stands for. Called by store/notices/sources.py.
INSERT INTO motcua.status_maps (source_id, source_status, status_code)
SELECT source_id, %(source_status)s, %(status_code)s
FROM motcua.sources
WHERE name = %(name)s
ON CONFLICT (source_id, source_status) DO UPDATE SET status_code = excluded.status_code, mapped_at = excluded.mapped_at
