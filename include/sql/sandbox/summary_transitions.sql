-- How many transitions were picked up, how many wait to be planned, and what planning made of the others.
-- Promises one row, also when nothing was picked up yet. Called by sandbox/summary.py.
SELECT
    count(*) AS picked_up,
    count(*) FILTER (WHERE planned_at IS NULL) AS unplanned,
    count(*) FILTER (WHERE outcome = 'message') AS began_a_message,
    count(*) FILTER (WHERE outcome IN ('same_occasion', 'no_occasion')) AS no_message,
    count(*) FILTER (WHERE outcome = 'out_of_scope') AS out_of_scope
FROM motcua.transitions
