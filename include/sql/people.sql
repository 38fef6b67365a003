-- Store which agencies a user may see, who granted them, and who searched for a phone number. Called by
-- store/people.py.

-- name: agencies_of_user
-- Return the agencies whose rows a user may see (motcua.user_agencies).
SELECT agency_code FROM motcua.user_agencies WHERE user_name = %(user_name)s ORDER BY agency_code;

-- name: list
-- Return each user with each agency that the user may see, and the person who granted it (motcua.user_agencies).
SELECT u.user_name, u.agency_code, a.name AS agency_name, u.since, u.given_by
FROM motcua.user_agencies AS u
INNER JOIN motcua.agencies AS a ON u.agency_code = a.agency_code
ORDER BY u.user_name, u.agency_code;

-- name: give
-- Allow a user to see an agency, if this is not allowed yet, and log the change (motcua.user_agencies).
WITH given AS (
    INSERT INTO motcua.user_agencies (user_name, agency_code, since, given_by)
    VALUES (%(user_name)s, %(agency_code)s, %(now)s, %(changed_by)s)
    ON CONFLICT DO NOTHING
    RETURNING user_name, agency_code
)

INSERT INTO motcua.user_agency_changes (changed_at, changed_by, user_name, agency_code, change)
SELECT %(now)s, %(changed_by)s, user_name, agency_code, 'given' FROM given
RETURNING change_id;

-- name: take
-- Forbid a user to see an agency any longer, and log the change (motcua.user_agencies).
WITH taken AS (
    DELETE FROM motcua.user_agencies
    WHERE user_name = %(user_name)s AND agency_code = %(agency_code)s
    RETURNING user_name, agency_code
)

INSERT INTO motcua.user_agency_changes (changed_at, changed_by, user_name, agency_code, change)
SELECT %(now)s, %(changed_by)s, user_name, agency_code, 'taken' FROM taken
RETURNING change_id;

-- name: changes
-- Return the changes of users' agencies, the newest first (motcua.user_agency_changes).
SELECT changed_at, changed_by, user_name, agency_code, change
FROM motcua.user_agency_changes
ORDER BY change_id DESC
LIMIT %(limit)s;

-- name: log_phone_search
-- Log that a person searched for dossiers by a phone number, or wrote phone numbers of a source to a file in full
-- (motcua.phone_searches). The number itself is not stored.
INSERT INTO motcua.phone_searches (searched_at, searched_by, agencies, found)
VALUES (%(now)s, %(searched_by)s, %(agencies)s, %(found)s);
