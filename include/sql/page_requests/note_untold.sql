-- No mail of these requests reached anybody at the Department. Called by store/oversight/page_requests.py.
UPDATE motcua.page_requests
SET untold_because = %(why)s
WHERE request_no = any(%(request_nos)s) AND told_at IS NULL AND ended_at IS NULL
