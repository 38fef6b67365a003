-- Lets a client write for these agencies alone. Called by store/intake/clients.py.
DELETE FROM intake.client_agencies
WHERE client_id = %(client_id)s AND agency_code <> all(%(agencies)s::text[])
