-- Empties the snapshot. Called by store/oversight/quality.py.
SELECT quality.begin_snapshot()
