-- When the next message of a gateway with a limit a second may start. Called by store/notices/gateways.py.
UPDATE motcua.gateways SET free_at = %(free_at)s
WHERE name = %(gateway)s
