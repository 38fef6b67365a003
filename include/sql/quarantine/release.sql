-- Rows whose cause has gone. Called by store/notices/quarantine.py.
UPDATE motcua.quarantine SET released_at = %(now)s
WHERE source_id = %(source_id)s AND row_kind = %(row_kind)s AND row_key = any(%(row_keys)s) AND released_at IS NULL
