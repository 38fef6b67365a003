-- Find the reports to mail, and reserve each mail before the mail server is contacted, so that no recipient gets a
-- report twice. A body is an office whose recipients get mails: an agency, or an authority that gets reports on all
-- agencies, such as the Department of Information and Communications. Called by store/oversight/report_mails.py.

-- name: last_before
-- Return when a body was last mailed an earlier report of this kind (motcua.report_mails).
SELECT max(m.reserved_at) AS mailed_at
FROM motcua.report_mails AS m
WHERE m.report = %(report)s AND m.report_no < %(report_no)s AND m.body = %(body)s AND m.state <> 'failed';

-- name: publications_told
-- Return which bodies get a mail about which publication, for one publication or for all since a time
-- (motcua.publications, motcua.report_mails). A publication holds the figures of a period, and is the first one of the
-- period or a correction. A first publication concerns each agency with a figure other than zero; a correction concerns
-- each agency whose figures it changed. An agency with recipients gets the publications that concern it. An authority
-- gets three sorts of publications: those that concern any agency; first publications of a month or a longer period;
-- and those in which one of these numbers is not zero (first publication) or was changed (correction): missing and
-- surplus messages (difference), unexplained differences, unread sources. The People's Committee (body committee) gets
-- no publication of a day. is_owed is true if no mail was reserved, or if one failed.
WITH published AS (
    SELECT
        p.publication_no,
        p.closing_no,
        c.corrects IS NOT NULL AS is_correction,
        c.period_length,
        (
            c.difference <> coalesce(b.difference, 0)
            OR c.unexplained <> coalesce(b.unexplained, 0)
            OR cardinality(c.sources_unread) <> coalesce(cardinality(b.sources_unread), 0)
        ) AS is_judged_anew
    FROM motcua.publications AS p
    INNER JOIN motcua.closings AS c ON p.closing_no = c.closing_no
    LEFT JOIN motcua.closings AS b ON c.corrects = b.closing_no
    WHERE
        (%(since)s::timestamptz IS NULL OR p.published_at >= %(since)s)
        AND (%(publication_no)s::bigint IS NULL OR p.publication_no = %(publication_no)s)
),

concerned AS (
    SELECT
        p.publication_no,
        g.agency_code
    FROM published AS p
    INNER JOIN motcua.closing_changes AS g ON p.closing_no = g.closing_no
    WHERE p.is_correction
    UNION
    SELECT
        p.publication_no,
        m.agency_code
    FROM published AS p
    INNER JOIN motcua.closing_messages AS m ON p.closing_no = m.closing_no
    WHERE NOT p.is_correction AND (m.expected <> 0 OR m.difference <> 0 OR m.out_of_scope <> 0)
    UNION
    SELECT
        p.publication_no,
        d.agency_code
    FROM published AS p
    INNER JOIN motcua.closing_dossier_sums AS d ON p.closing_no = d.closing_no
    WHERE
        NOT p.is_correction
        AND d.received + d.resolved_early + d.resolved_on_time + d.resolved_late + d.resolved_without_due
        + d.withdrawn + d.handed_over > 0
),

told AS (
    SELECT
        p.publication_no,
        p.is_correction,
        b.body,
        b.place
    FROM published AS p
    CROSS JOIN unnest(%(bodies)s::text[]) WITH ORDINALITY AS b (body, place)
    WHERE
        (b.body <> 'committee' OR p.period_length <> 'day')
        AND (
            p.is_judged_anew
            OR (p.period_length <> 'day' AND NOT p.is_correction)
            OR EXISTS (SELECT 1 FROM concerned AS c WHERE c.publication_no = p.publication_no)
        )
    UNION ALL
    SELECT
        p.publication_no,
        p.is_correction,
        c.agency_code AS body,
        NULL AS place
    FROM published AS p
    INNER JOIN concerned AS c ON p.publication_no = c.publication_no
    INNER JOIN motcua.agencies AS a ON c.agency_code = a.agency_code
    WHERE cardinality(a.report_recipients) > 0
)

SELECT
    t.body,
    t.publication_no,
    t.is_correction,
    coalesce(m.some_failed, TRUE) AS is_owed
FROM told AS t
LEFT JOIN LATERAL (
    SELECT bool_or(r.state = 'failed') AS some_failed
    FROM motcua.report_mails AS r
    WHERE r.report = 'publication' AND r.report_no = t.publication_no AND r.body = t.body
) AS m ON TRUE
ORDER BY t.place NULLS LAST, t.body, t.publication_no;

-- name: runs_owed
-- Return the runs of the data quality check that were not mailed to all recipients of an agency, by agency, the newest
-- first (motcua.quality_runs, motcua.report_mails). Only runs on working days between two times are returned. Runs
-- before the last mailed run are left out, because each report names all faults that are still open.
SELECT
    a.agency_code,
    q.run_no
FROM motcua.quality_runs AS q
INNER JOIN (
    SELECT
        s.run_no,
        s.agency_code
    FROM motcua.quality_agencies AS s
    UNION
    SELECT
        b.run_no,
        b.agency_code
    FROM motcua.quality_broken_agencies AS b
) AS checked ON q.run_no = checked.run_no
INNER JOIN motcua.agencies AS a ON checked.agency_code = a.agency_code
LEFT JOIN LATERAL (
    SELECT
        max(r.report_no) FILTER (WHERE r.state <> 'failed') AS last_told,
        bool_or(r.state = 'failed') FILTER (WHERE r.report_no = q.run_no) AS some_failed
    FROM motcua.report_mails AS r
    WHERE r.report = 'quality' AND r.body = a.agency_code
) AS m ON TRUE
WHERE
    q.sealed_at IS NOT NULL
    AND q.working_day
    AND q.as_of BETWEEN %(since)s AND %(until)s
    AND cardinality(a.report_recipients) > 0
    AND (q.run_no > coalesce(m.last_told, 0) OR (q.run_no = m.last_told AND m.some_failed))
ORDER BY a.agency_code, q.run_no DESC;

-- name: reserve
-- Reserve the mail of a report to one recipient of a body (motcua.report_mails). The mail may be new, may have failed
-- before, or may be a repetition (another edition) that a person requested. No row means that the mail was or may have
-- been sent, or that another process has reserved the mail.
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
-- Write how the sending of a mail ended, in the row of each report that the mail contains (motcua.report_mails).
UPDATE motcua.report_mails
SET state = %(state)s, settled_at = %(now)s, failure = %(failure)s
WHERE report_mail_id = any(%(numbers)s::bigint[]) AND state = 'sending';

-- name: states
-- Return, for each recipient of a report at a body, the state of the last edition of the mail (motcua.report_mails).
SELECT DISTINCT ON (recipient_hash)
    recipient_hash,
    state,
    settled_at
FROM motcua.report_mails
WHERE report = %(report)s AND report_no = %(report_no)s AND body = %(body)s
ORDER BY recipient_hash, edition DESC;
