-- Segments handed to each gateway on a day. Called by store/notices/gateways.py.
SELECT gateway, segments FROM motcua.gateway_days
WHERE day = %(day)s
