-- Says which source this session reads, where several lie in the same tables. Called by sources/national_sync.py.
SELECT set_config('motcua.source', %(source)s, FALSE)
