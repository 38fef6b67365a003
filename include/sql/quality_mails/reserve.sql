-- Reserves the mail of a run to one recipient: a new one, one that failed, or another edition where it is asked for. No
-- row: it was sent, may have been, or another process has it. Called by store/quality_mails.py.
WITH latest AS (
    SELECT
        m.quality_mail_id,
        m.edition,
        m.state
    FROM motcua.quality_mails AS m
    WHERE
        m.run_no = %(run_no)s
        AND m.agency_code IS NOT DISTINCT FROM %(agency_code)s
        AND m.recipient_hash = %(recipient_hash)s
    ORDER BY m.edition DESC
    LIMIT 1
),

retried AS (
    UPDATE motcua.quality_mails AS m
    SET state = 'sending', attempts = m.attempts + 1, reserved_at = %(now)s, settled_at = NULL, failure = NULL
    FROM latest AS l
    WHERE m.quality_mail_id = l.quality_mail_id AND m.state = 'failed'
    RETURNING m.quality_mail_id
),

added AS (
    INSERT INTO motcua.quality_mails (run_no, agency_code, recipient_hash, edition, state, attempts, reserved_at)
    SELECT
        %(run_no)s,
        %(agency_code)s,
        %(recipient_hash)s,
        coalesce((SELECT l.edition FROM latest AS l), 0) + 1,
        'sending',
        1,
        %(now)s
    WHERE NOT EXISTS (SELECT 1 FROM latest AS l WHERE l.state = 'failed' OR NOT %(again)s)
    ON CONFLICT DO NOTHING
    RETURNING quality_mail_id
)

SELECT quality_mail_id FROM retried
UNION ALL
SELECT quality_mail_id FROM added
