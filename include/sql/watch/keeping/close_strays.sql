-- Ends alerts that the mirror holds open and the watch does not know, as in a ledger that was restored.
-- Called by store/watching/watch.py.
UPDATE motcua.alerts AS a
SET over_at = greatest(%(now)s, a.raised_at)
WHERE
    a.over_at IS NULL
    AND NOT EXISTS (
        SELECT 1
        FROM unnest(%(names)s::text[], %(subjects)s::text[], %(moments)s::timestamptz[]) AS k (name, subject, raised_at)
        WHERE k.name = a.name AND k.subject = a.subject AND k.raised_at = a.raised_at
    )
