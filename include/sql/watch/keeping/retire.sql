-- Nobody waits for a sign of the watch any more. Called by store/oversight/watch.py.
DELETE FROM motcua.watch_life
