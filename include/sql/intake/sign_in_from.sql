-- Opens a short session for the client that is known by its address. Called by store/intake/pushes.py.
SELECT intake.sign_in_from(%(caller)s::inet, %(unit)s::text, %(session)s::bytea) AS is_open
