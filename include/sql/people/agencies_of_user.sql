-- The agencies whose rows a user was given. Called by store/people.py.
SELECT agency_code FROM motcua.user_agencies WHERE user_name = %(user_name)s ORDER BY agency_code
