-- Which agencies a user sees, who gave them, and who looked for a phone. Called by store/people.py.

-- name: agencies_of_user
-- The agencies whose rows a user was given.
SELECT agency_code FROM motcua.user_agencies WHERE user_name = %(user_name)s ORDER BY agency_code;

-- name: list
-- Every user with an agency, and who gave it.
SELECT u.user_name, u.agency_code, a.name AS agency_name, u.since, u.given_by
FROM motcua.user_agencies AS u
INNER JOIN motcua.agencies AS a ON u.agency_code = a.agency_code
ORDER BY u.user_name, u.agency_code;

-- name: give
-- Gives a user an agency, once, with its line of history.
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
-- Takes an agency from a user who has it, with its line of history.
WITH taken AS (
    DELETE FROM motcua.user_agencies
    WHERE user_name = %(user_name)s AND agency_code = %(agency_code)s
    RETURNING user_name, agency_code
)

INSERT INTO motcua.user_agency_changes (changed_at, changed_by, user_name, agency_code, change)
SELECT %(now)s, %(changed_by)s, user_name, agency_code, 'taken' FROM taken
RETURNING change_id;

-- name: changes
-- Who was given which agency and who lost one, the newest first.
SELECT changed_at, changed_by, user_name, agency_code, change
FROM motcua.user_agency_changes
ORDER BY change_id DESC
LIMIT %(limit)s;

-- name: log_phone_search
-- Keeps that somebody looked for dossiers by a phone number, which is not kept, or had numbers of a source written in
-- full.
INSERT INTO motcua.phone_searches (searched_at, searched_by, agencies, found)
VALUES (%(now)s, %(searched_by)s, %(agencies)s, %(found)s);
