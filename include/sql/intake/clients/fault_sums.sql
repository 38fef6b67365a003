-- What was wrong in the pushes of all clients since a day: by client, fault and field, the most first.
-- Called by store/intake/watching.py.
SELECT c.name AS client, f.fault, f.field, sum(f.records)::bigint AS records, max(f.last_at) AS last_at
FROM intake.faults AS f
INNER JOIN intake.clients AS c ON f.client_id = c.client_id
WHERE f.day >= %(since)s
GROUP BY c.name, f.fault, f.field
ORDER BY c.name, records DESC, f.fault, f.field
