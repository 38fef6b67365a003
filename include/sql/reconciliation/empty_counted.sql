-- Makes room for the next comparison; the caller holds the lock of closings. Called by store/closings.py.
TRUNCATE motcua.counted_occasions
