-- This session is for the beats of a process: called so, never long behind a row that another one holds, and without
-- waiting for the disk. Called by store/ledger/sessions.py.
SELECT
    set_config('application_name', %(name)s, FALSE),
    set_config('lock_timeout', '500', FALSE),
    set_config('synchronous_commit', 'off', FALSE)
