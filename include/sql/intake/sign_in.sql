-- Opens a session for a client that shows its password. Called by store/intake/pushes.py.
SELECT intake.sign_in(%(name)s::text, %(shown)s::bytea, %(session)s::bytea, %(lasts)s::interval) AS is_open
