-- Makes room for the next comparison; the caller holds the lock of closings. Called by store/oversight/closings.py.
SELECT motcua.empty_counted_occasions()
