-- How many requests wait because no mail reached anybody at the Department, and why not. Called by
-- store/oversight/page_requests.py.
SELECT count(*) AS requests, max(untold_because) AS why
FROM motcua.page_requests
WHERE ended_at IS NULL AND told_at IS NULL AND untold_because IS NOT NULL
