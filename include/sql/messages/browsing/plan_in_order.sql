-- Until what was set here is rolled back, rows are read through an index, in its order: what a list takes is its first
-- rows, and to collect and sort all of a month costs what the busiest agency has. Called by
-- store/browsing/messages.py.
SELECT set_config(s.name, s.value, TRUE)
FROM (VALUES ('enable_bitmapscan', 'off'), ('enable_seqscan', 'off'), ('enable_sort', 'off')) AS s (name, value)
