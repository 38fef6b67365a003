-- Which of these dossiers have been pushed. Called by store/intake/pushes.py.
SELECT l.dossier_code, l.status_code FROM intake.look_up(%(session)s::bytea, %(codes)s::text[]) AS l
