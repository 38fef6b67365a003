-- Number of a transition that will be committed later. Called by sandbox/one_stop_writers.py.
SELECT nextval('mot_cua.transitions_transition_id_seq') AS transition_id
