-- Every user with an agency, and who gave it. Called by store/people.py.
SELECT u.user_name, u.agency_code, a.name AS agency_name, u.since, u.given_by
FROM motcua.user_agencies AS u
INNER JOIN motcua.agencies AS a ON u.agency_code = a.agency_code
ORDER BY u.user_name, u.agency_code
