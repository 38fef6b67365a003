-- What a client may do from now on; what is not said stays. No row: there is no such client. Called by
-- store/intake/clients.py.
UPDATE intake.clients SET
    salt = coalesce(%(salt)s, salt),
    password_digest = coalesce(%(password_digest)s, password_digest),
    networks = coalesce(%(networks)s::cidr[], networks),
    supplements_at_desk_since = CASE
        WHEN %(supplements_at_desk)s::boolean IS NULL THEN supplements_at_desk_since
        WHEN %(supplements_at_desk)s::boolean THEN coalesce(supplements_at_desk_since, %(now)s::timestamptz)
    END,
    disabled_at = CASE
        WHEN %(enabled)s::boolean IS NULL THEN disabled_at
        WHEN NOT %(enabled)s::boolean THEN coalesce(disabled_at, %(now)s::timestamptz)
    END
WHERE name = %(name)s
RETURNING client_id
