-- Lets a client write for these agencies too. Called by store/intake/clients.py.
INSERT INTO intake.client_agencies (client_id, agency_code)
SELECT %(client_id)s, a.agency_code
FROM unnest(%(agencies)s::text[]) AS a (agency_code)
ON CONFLICT DO NOTHING
