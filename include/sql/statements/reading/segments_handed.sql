-- Segments that were handed to a gateway in a month: what its statement is held against first. Reads audit views
-- only. Called by store/uploads.py.
SELECT coalesce(sum(d.segments), 0)::bigint AS segments
FROM audit.gateway_days AS d
WHERE d.gateway = %(gateway)s AND d.day >= %(month)s AND d.day < %(next_month)s
