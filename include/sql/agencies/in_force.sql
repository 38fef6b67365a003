-- Who is in charge of each agency's dossiers on a day, and the names then in force. Called by store/agencies.py.
SELECT
    agency_code,
    in_charge,
    name,
    short_name
FROM motcua.agencies_on(%(day)s::date)
