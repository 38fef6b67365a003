-- What a page asked for is done, its time being over. Called by store/oversight/page_requests.py.
SELECT motcua.apply_page_request(%(request_no)s::bigint) AS became
