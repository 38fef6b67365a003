-- The gateway's row, made where it is missing. Called by store/notices/gateways.py.
INSERT INTO motcua.gateways (name) VALUES (%(name)s)
ON CONFLICT (name) DO NOTHING
