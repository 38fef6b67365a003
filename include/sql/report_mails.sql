-- Mails of reports: each is reserved before the mail server is asked, so that nobody gets one twice. Called by
-- store/oversight/report_mails.py.

-- name: last_before
-- When a body was last mailed a report of this kind that came before this one.
SELECT max(m.reserved_at) AS mailed_at
FROM motcua.report_mails AS m
WHERE m.report = %(report)s AND m.report_no < %(report_no)s AND m.body = %(body)s AND m.state <> 'failed';

-- name: reserve
-- Reserves the mail of a report to one recipient of a body: a new one, one that failed, or another edition where it is
-- asked for. No row: it was sent, may have been, or another process has it.
WITH latest AS (
    SELECT
        m.report_mail_id,
        m.edition,
        m.state
    FROM motcua.report_mails AS m
    WHERE
        m.report = %(report)s
        AND m.report_no = %(report_no)s
        AND m.body = %(body)s
        AND m.recipient_hash = %(recipient_hash)s
    ORDER BY m.edition DESC
    LIMIT 1
),

retried AS (
    UPDATE motcua.report_mails AS m
    SET state = 'sending', attempts = m.attempts + 1, reserved_at = %(now)s, settled_at = NULL, failure = NULL
    FROM latest AS l
    WHERE m.report_mail_id = l.report_mail_id AND m.state = 'failed'
    RETURNING m.report_mail_id
),

added AS (
    INSERT INTO motcua.report_mails (report, report_no, body, recipient_hash, edition, state, attempts, reserved_at)
    SELECT
        %(report)s,
        %(report_no)s,
        %(body)s,
        %(recipient_hash)s,
        coalesce((SELECT l.edition FROM latest AS l), 0) + 1,
        'sending',
        1,
        %(now)s
    WHERE NOT EXISTS (SELECT 1 FROM latest AS l WHERE l.state = 'failed' OR NOT %(again)s)
    ON CONFLICT DO NOTHING
    RETURNING report_mail_id
)

SELECT report_mail_id FROM retried
UNION ALL
SELECT report_mail_id FROM added;

-- name: settle
-- How handing over a reserved mail ended.
UPDATE motcua.report_mails
SET state = %(state)s, settled_at = %(now)s, failure = %(failure)s
WHERE report_mail_id = %(report_mail_id)s AND state = 'sending';

-- name: states
-- State of the last edition of each recipient's mail of a report to a body.
SELECT DISTINCT ON (recipient_hash)
    recipient_hash,
    state,
    settled_at
FROM motcua.report_mails
WHERE report = %(report)s AND report_no = %(report_no)s AND body = %(body)s
ORDER BY recipient_hash, edition DESC;
