-- Takes an agency from a user who has it, with its line of history. Called by store/people.py.
WITH taken AS (
    DELETE FROM motcua.user_agencies
    WHERE user_name = %(user_name)s AND agency_code = %(agency_code)s
    RETURNING user_name, agency_code
)

INSERT INTO motcua.user_agency_changes (changed_at, changed_by, user_name, agency_code, change)
SELECT %(now)s, %(changed_by)s, user_name, agency_code, 'taken' FROM taken
RETURNING change_id
