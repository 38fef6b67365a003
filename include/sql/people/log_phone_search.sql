-- Keeps that somebody looked for dossiers by a phone number, which is not kept, or had numbers of a source written in
-- full. Called by store/people.py.
INSERT INTO motcua.phone_searches (searched_at, searched_by, agencies, found)
VALUES (%(now)s, %(searched_by)s, %(agencies)s, %(found)s)
