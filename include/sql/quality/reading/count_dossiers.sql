-- How many dossiers the snapshot holds. Called by store/oversight/quality.py.
SELECT count(*) AS dossiers FROM quality.dossier_facts
