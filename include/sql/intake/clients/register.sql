-- A client's account; no row: the name is taken. Called by store/intake/clients.py.
INSERT INTO intake.clients (name, source, salt, password_digest, networks, supplements_at_desk_since, made_at)
VALUES (
    %(name)s, %(source)s, %(salt)s, %(password_digest)s, %(networks)s::cidr[],
    CASE WHEN %(supplements_at_desk)s THEN %(now)s::timestamptz END, %(now)s
)
ON CONFLICT (name) DO NOTHING
RETURNING client_id
