-- Senders are at work, as a run says that begins: since when they had been silent, where that is longer than a sleep
-- takes; whether somebody signed that a sleep may be believed; and whether anybody was told for by then at all. Whoever
-- begins meanwhile waits for what is made of it. Called by store/notices/gaps.py.
INSERT INTO motcua.sender_life AS l (looked_at, woke_at) VALUES (%(now)s, %(now)s)
ON CONFLICT (only_one) DO UPDATE
    SET
        woke_at = CASE
            WHEN excluded.looked_at > l.looked_at + %(sleeps_after)s::interval THEN excluded.looked_at
            ELSE l.woke_at
        END,
        looked_at = greatest(l.looked_at, excluded.looked_at)
RETURNING
    CASE WHEN new.looked_at > old.looked_at + %(sleeps_after)s::interval THEN old.looked_at END AS slept_since,
    EXISTS (SELECT 1 FROM motcua.believed_sleeps AS b WHERE b.withdrawn_at IS NULL)
    OR NOT EXISTS (SELECT 1 FROM motcua.agencies AS g WHERE g.enabled_from <= %(now)s) AS is_believed
