-- Number of the client that a session is of. Called by store/intake/pushes.py.
SELECT intake.whose(%(session)s::bytea) AS client_id
