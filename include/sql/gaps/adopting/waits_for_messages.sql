-- Whether any attempt of a gap still looks for its message, or what was recorded in a gap without a journal may still
-- be planned. Called by store/notices/gaps.py.
SELECT
    EXISTS(SELECT 1 FROM motcua.lost_attempts WHERE message_id IS NULL) AS lost,
    (SELECT MAX(gap_no) FROM motcua.gaps WHERE sent_until > %(now)s::timestamptz - %(useful_for)s::interval) AS blind
