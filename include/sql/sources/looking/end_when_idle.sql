-- PostgreSQL ends this session, and frees its locks, when it asks nothing for so many milliseconds. Called by
-- jobs/notices/looking/watcher.py.
SELECT set_config('idle_session_timeout', %(milliseconds)s::text, FALSE)
