-- No statement of this transaction may take longer than so many milliseconds. Called by sources/contract.py.
SELECT set_config('statement_timeout', %(milliseconds)s::text, TRUE)
