-- Tells the planner what the comparison holds. Called by store/oversight/closings.py.
SELECT motcua.look_at_counted_occasions()
