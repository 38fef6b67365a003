-- Has the planner know how much is in a table that was just filled. Called by store/oversight/statements.py.
SELECT statements.look_at(%(table_name)s)
