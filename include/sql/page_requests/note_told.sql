-- The Department was mailed of a request: from when on it may be done, and whom it would tell, as the mail said. A
-- mail of a request that was withdrawn meanwhile changes nothing. Called by store/oversight/page_requests.py.
UPDATE motcua.page_requests
SET told_at = clock_timestamp(), applies_at = clock_timestamp() + %(after)s, told = %(told)s, untold_because = NULL
WHERE request_no = %(request_no)s AND told_at IS NULL AND ended_at IS NULL
