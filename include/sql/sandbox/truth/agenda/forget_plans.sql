-- Nothing that was planned for the dossier will happen but that its row appears: a visitor has taken it over.
-- Called by sandbox/world/clockwork.py.
DELETE FROM world.agenda
WHERE dossier_id = %(dossier_id)s AND act ->> 'kind' <> 'reveal'
