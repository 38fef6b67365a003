-- Number of a transition that will be committed later. Called by sandbox/world/writers.py.
SELECT nextval('mot_cua.transitions_transition_id_seq') AS transition_id
