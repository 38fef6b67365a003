-- No lock of this transaction is waited for longer than so many milliseconds. Called by store/notices/apologies.py.
SELECT set_config('lock_timeout', %(milliseconds)s::text, TRUE)
