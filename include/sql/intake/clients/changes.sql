-- Who changed what about clients, the newest first. Called by store/intake/clients.py.
SELECT k.changed_at, k.changed_by, c.name, k.change, k.agencies, k.networks::text[] AS networks, k.supplements_at_desk
FROM intake.client_changes AS k
INNER JOIN intake.clients AS c ON k.client_id = c.client_id
ORDER BY k.change_id DESC
LIMIT %(limit)s
