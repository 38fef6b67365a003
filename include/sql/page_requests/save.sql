-- What a page asks for. Called by store/oversight/page_requests.py.
SELECT request_no, became
FROM motcua.save_page_request(%(kind)s::text, %(wanted)s::jsonb, %(by)s::text)
