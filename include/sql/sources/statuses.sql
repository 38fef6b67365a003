-- Status codes of one source that differ from the national ones. Called by store/notices/sources.py.
SELECT source_status, status_code
FROM motcua.status_maps
WHERE source_id = %(source_id)s
