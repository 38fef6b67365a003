-- Has the planner learn how much there is in a table of the snapshot. Called by store/oversight/quality.py.
SELECT quality.look_at(%(table_name)s, %(column_name)s)
