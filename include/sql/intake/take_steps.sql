-- Writes pushed steps and says what became of each. Called by store/intake/pushes.py.
SELECT t.place, t.outcome, NULL::bigint AS dossier_no
FROM intake.take_steps(%(session)s::bytea, %(rows)s::jsonb) AS t
