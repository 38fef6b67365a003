-- What this session is called from now on. Called by store/ledger/sessions.py.
SELECT set_config('application_name', %(name)s, FALSE)
