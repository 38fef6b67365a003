-- Who changed a client, and what it may do from then on. Called by store/intake/clients.py.
INSERT INTO intake.client_changes (
    client_id, changed_at, changed_by, change, agencies, networks, supplements_at_desk
)
SELECT
    c.client_id, %(now)s, %(by)s, %(change)s,
    array(
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = c.client_id ORDER BY a.agency_code
    ),
    c.networks, c.supplements_at_desk_since IS NOT NULL
FROM intake.clients AS c
WHERE c.client_id = %(client_id)s
