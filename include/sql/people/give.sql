-- Gives a user an agency, once, with its line of history. Called by store/people.py.
WITH given AS (
    INSERT INTO motcua.user_agencies (user_name, agency_code, since, given_by)
    VALUES (%(user_name)s, %(agency_code)s, %(now)s, %(changed_by)s)
    ON CONFLICT DO NOTHING
    RETURNING user_name, agency_code
)

INSERT INTO motcua.user_agency_changes (changed_at, changed_by, user_name, agency_code, change)
SELECT %(now)s, %(changed_by)s, user_name, agency_code, 'given' FROM given
RETURNING change_id
