-- Has the planner learn how few dossiers were edited. Called by store/oversight/quality.py.
SELECT quality.look_at('edited', 'dossier_id')
