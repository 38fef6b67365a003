-- Empties the source before a new world begins. Called by sandbox/world/writers.py.
TRUNCATE mot_cua.dossiers, mot_cua.transitions, mot_cua.desk_register RESTART IDENTITY
