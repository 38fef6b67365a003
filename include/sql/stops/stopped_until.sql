-- Until when messages of a kind and an agency are stopped. Called by store/notices/stops.py.
SELECT motcua.stopped_until(%(kind)s, %(agency_code)s, %(now)s) AS until
