-- Gaps, the latest first, with what became of the attempts that the journal knew. Called by store/notices/gaps.py.
SELECT
    g.gap_no, g.kind, g.noticed_at, g.ledger_until, g.journal_until, g.lost_attempts, g.held_messages, g.sent_until,
    g.closed_at, g.closed_by, g.reason, g.slept_since, g.held_until,
    (SELECT count(*) FROM motcua.lost_attempts AS l WHERE l.gap_no = g.gap_no AND l.message_id IS NULL) AS not_found
FROM motcua.gaps AS g
ORDER BY g.gap_no DESC
LIMIT %(limit)s
