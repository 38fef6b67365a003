-- Steps that were picked up a while ago and that nobody plans: dossiers are planned in the order of their numbers, so
-- that the first one waits in vain where none before it was planned since. Counted up to a hundred.
-- Called by store/watching/unserved.py.
WITH waiting AS MATERIALIZED (
    SELECT t.dossier_id, t.picked_up_at
    FROM motcua.transitions AS t
    WHERE
        t.planned_at IS NULL
        AND (%(start)s::timestamptz IS NULL OR (t.recorded_at >= %(start)s AND t.recorded_at < %(end)s))
    ORDER BY t.dossier_id
    LIMIT 100
)

SELECT
    count(*) AS steps,
    min(w.picked_up_at) AS since
FROM waiting AS w
WHERE
    w.picked_up_at <= %(due_by)s
    AND NOT EXISTS (
        SELECT 1
        FROM (
            SELECT p.planned_at
            FROM motcua.transitions AS p
            WHERE p.dossier_id < (SELECT min(f.dossier_id) FROM waiting AS f)
            ORDER BY p.dossier_id DESC
            LIMIT 20
        ) AS b
        WHERE b.planned_at > %(due_by)s
    )
