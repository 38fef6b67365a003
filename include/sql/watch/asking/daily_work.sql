-- Whether a day's data was checked and a period was closed. Called by store/watching/watch.py.
SELECT
    exists(
        SELECT 1 FROM motcua.quality_runs AS q
        WHERE q.day = %(checked_day)s AND q.sealed_at IS NOT NULL
    ) AS checked,
    exists(SELECT 1 FROM motcua.closings AS c WHERE c.period = %(closed_period)s) AS closed
