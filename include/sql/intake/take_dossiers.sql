-- Writes pushed dossiers and says what became of each. Called by store/intake/pushes.py.
SELECT t.place, t.outcome, t.dossier_no FROM intake.take_dossiers(%(session)s::bytea, %(rows)s::jsonb) AS t
