-- Senders are at work: since when without a long sleep, and when the watch last looked, where there is one. Called by
-- store/notices/gaps.py.
INSERT INTO motcua.sender_life AS l (looked_at, woke_at) VALUES (%(now)s, %(now)s)
ON CONFLICT (only_one) DO UPDATE
    SET
        woke_at = CASE
            WHEN excluded.looked_at > l.looked_at + %(sleeps_after)s::interval THEN excluded.looked_at
            ELSE l.woke_at
        END,
        looked_at = greatest(l.looked_at, excluded.looked_at)
RETURNING woke_at, (SELECT w.looked_at FROM motcua.watch_life AS w) AS watched_at
