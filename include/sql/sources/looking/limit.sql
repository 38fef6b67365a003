-- This session only reads, and no statement of it may take longer than so many milliseconds. Called by
-- jobs/notices/looking/looks.py.
SELECT
    set_config('statement_timeout', %(milliseconds)s::text, FALSE),
    set_config('default_transaction_read_only', 'on', FALSE)
