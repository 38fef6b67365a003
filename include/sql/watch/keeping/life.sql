-- The last sign of the watch; no row where it never ran, or was retired. Called by store/watching/watch.py.
SELECT began_at, looked_at, looks, recipients, unsent, unsent_since
FROM motcua.watch_life
