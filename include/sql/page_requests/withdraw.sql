-- What a page asked for is taken back before it is done. Called by store/oversight/page_requests.py.
SELECT motcua.withdraw_page_request(%(request_no)s::bigint, %(by)s::text) AS is_withdrawn
