-- Empties the snapshot. Called by store/quality.py.
SELECT quality.begin_snapshot()
