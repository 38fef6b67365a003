-- Whether any attempt of a gap still looks for its message, what was recorded in a gap without a journal may still be
-- planned, or an open gap holds what was recorded before a moment. Called by store/notices/gaps.py.
SELECT
    EXISTS(SELECT 1 FROM motcua.lost_attempts WHERE message_id IS NULL) AS lost,
    EXISTS(SELECT 1 FROM motcua.gaps WHERE closed_at IS NULL AND held_until IS NOT NULL) AS holds,
    (SELECT MAX(gap_no) FROM motcua.gaps WHERE sent_until > %(now)s::timestamptz - %(useful_for)s::interval) AS blind
