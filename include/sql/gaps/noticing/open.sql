-- A gap, open until it is looked at; nothing where one is open already. Where all is held, what is queued gets the
-- reason; what was recorded up to a moment, gaps/noticing/hold.sql holds. Called by store/notices/gaps.py.
WITH gap AS (
    INSERT INTO motcua.gaps (
        kind, noticed_at, ledger_until, journal_until, lost_attempts, held_messages, slept_since, held_until
    )
    SELECT
        %(kind)s, %(now)s, %(ledger_until)s, %(journal_until)s, %(lost_attempts)s,
        (
            SELECT count(*) FROM motcua.messages
            WHERE state = 'queued' AND coalesce(recorded_at <= %(held_until)s::timestamptz, TRUE)
        ),
        %(slept_since)s, %(held_until)s
    ON CONFLICT ((closed_at IS NULL)) WHERE closed_at IS NULL DO NOTHING
    RETURNING gap_no, held_until
)

UPDATE motcua.messages SET reason = 'restored'
WHERE state = 'queued' AND EXISTS (SELECT 1 FROM gap AS g WHERE g.held_until IS NULL)
