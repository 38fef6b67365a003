-- Says who makes the changes of this transaction; the history is written by a trigger. Called by store/calendars.py.
SELECT set_config('motcua.changed_by', %(changed_by)s, TRUE)
