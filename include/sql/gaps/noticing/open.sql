-- A gap, open until it is looked at; nothing where one is open already. What is queued is held, with the reason.
-- Called by store/notices/gaps.py.
WITH gap AS (
    INSERT INTO motcua.gaps (kind, noticed_at, ledger_until, journal_until, lost_attempts, held_messages)
    SELECT
        %(kind)s, %(now)s, %(ledger_until)s, %(journal_until)s, %(lost_attempts)s,
        (SELECT count(*) FROM motcua.messages WHERE state = 'queued')
    ON CONFLICT ((closed_at IS NULL)) WHERE closed_at IS NULL DO NOTHING
    RETURNING gap_no
),

held AS (
    UPDATE motcua.messages SET reason = 'restored'
    WHERE state = 'queued' AND EXISTS (SELECT 1 FROM gap)
    RETURNING message_id
)

SELECT g.gap_no, (SELECT count(*) FROM held) AS held FROM gap AS g
