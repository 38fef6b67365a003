-- Ends all sessions of a client. Called by store/intake/clients.py.
DELETE FROM intake.sessions WHERE client_id = %(client_id)s
