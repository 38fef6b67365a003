-- One more code for an agency. Called by store/agencies.py.
INSERT INTO motcua.agency_aliases (alias, agency_code) VALUES (%(alias)s, %(agency_code)s)
