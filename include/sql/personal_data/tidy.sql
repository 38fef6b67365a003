-- What the planner remembers of values is gathered anew. Called by store/personal_data.py.
SELECT motcua.tidy_after_purge()
