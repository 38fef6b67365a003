-- Somebody looks after an open alert: by its name, of one subject or of all. The first who says so stays.
-- Called by store/watching/watch.py.
UPDATE motcua.alerts
SET acknowledged_at = %(now)s, acknowledged_by = %(by)s
WHERE
    over_at IS NULL
    AND acknowledged_at IS NULL
    AND name = %(name)s
    AND coalesce(subject = %(subject)s::text, TRUE)
RETURNING name, subject, raised_at
