-- The sign that the watch lives, with what it looked at. Called by store/watching/watch.py.
INSERT INTO motcua.watch_life (began_at, looked_at, looks, recipients, unsent, unsent_since)
VALUES (%(began_at)s, %(looked_at)s, %(looks)s, %(recipients)s, %(unsent)s, %(unsent_since)s)
ON CONFLICT (only_one) DO UPDATE SET
    began_at = excluded.began_at,
    looked_at = excluded.looked_at,
    looks = excluded.looks,
    recipients = excluded.recipients,
    unsent = excluded.unsent,
    unsent_since = excluded.unsent_since
