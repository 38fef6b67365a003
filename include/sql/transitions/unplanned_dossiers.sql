-- Dossiers with transitions still to be planned, in the given window of recording where one is given.
-- Called by store/notices/transitions.py.
SELECT DISTINCT dossier_id
FROM motcua.transitions
WHERE
    planned_at IS NULL
    AND (%(start)s::timestamptz IS NULL OR (recorded_at >= %(start)s AND recorded_at < %(end)s))
    AND dossier_id > %(after)s
ORDER BY dossier_id
LIMIT %(limit)s
