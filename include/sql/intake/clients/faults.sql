-- What was wrong in the pushes of a client since a day, the newest day first. Called by store/intake/clients.py.
SELECT f.day, f.service, f.fault, f.field, f.records, f.last_at
FROM intake.faults AS f
INNER JOIN intake.clients AS c ON f.client_id = c.client_id
WHERE c.name = %(name)s AND f.day >= %(since)s
ORDER BY f.day DESC, f.records DESC, f.fault, f.field
