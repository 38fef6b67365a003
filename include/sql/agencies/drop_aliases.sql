-- Forgets an agency's aliases before they are written anew. Called by store/agencies.py.
DELETE FROM motcua.agency_aliases
WHERE agency_code = %(agency_code)s
