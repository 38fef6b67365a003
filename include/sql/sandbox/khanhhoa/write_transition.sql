-- One transition, once for each act of the simulator; returns its number, also when it was there already.
-- Called by sandbox/world/writers.py.
INSERT INTO mot_cua.transitions (
    transition_id, agency_code, dossier_code, from_step, to_step, status_code, at_one_stop_desk, occurred_at,
    recorded_at, actor, note, action_id
)
VALUES (
    coalesce(%(transition_id)s::bigint, nextval('mot_cua.transitions_transition_id_seq')), %(agency_code)s,
    %(dossier_code)s, %(from_step)s, %(to_step)s, %(status_code)s, %(at_one_stop_desk)s, %(occurred_at)s,
    %(recorded_at)s, %(actor)s, %(note)s, %(action_id)s
)
ON CONFLICT (action_id) DO UPDATE SET action_id = excluded.action_id
RETURNING transition_id
