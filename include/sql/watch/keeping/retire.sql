-- Nobody waits for a sign of the watch any more. Called by store/watching/watch.py.
DELETE FROM motcua.watch_life
