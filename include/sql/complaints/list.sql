-- Complaints, the newest first, with the dossier and the message that each is tied to, and the one that it repeats.
-- Where no gateway had taken a message, the one that was intended then is told as it stands now; it is tied to none,
-- since it may yet go. Holds personal data: for staff who are signed in. Called by store/oversight/complaints.py.
SELECT
    c.complaint_id, c.agency_code, c.dossier_code, c.dossier_id, c.message_id, c.received_at, c.channel, c.claim,
    c.note, c.recorded_by, c.recorded_at, c.imported_from, c.imported_line, c.outcome, c.outcome_by, c.outcome_at,
    c.outcome_reason, c.withdrawn_at, c.withdrawn_by, c.withdraw_reason, a.repeats,
    m.kind AS message_kind, m.state AS message_state, m.accepted_at AS message_accepted_at,
    i.message_id AS intended_id, i.kind AS intended_kind, i.state AS intended_state, i.reason AS intended_reason
FROM (
    -- What is shown besides is looked up for the rows of the page alone.
    SELECT c.*
    FROM motcua.complaints AS c
    WHERE
        (%(agencies)s::text[] IS NULL OR c.agency_code = any(%(agencies)s))
        AND (%(agency_code)s::text IS NULL OR c.agency_code = %(agency_code)s)
        AND (%(claim)s::text IS NULL OR c.claim = %(claim)s)
        AND (%(outcome)s::text IS NULL OR (c.outcome = %(outcome)s AND c.withdrawn_at IS NULL))
        AND (%(unlinked)s::boolean IS NOT TRUE OR (c.dossier_id IS NULL AND c.withdrawn_at IS NULL))
        AND (
            %(repeated)s::boolean IS NOT TRUE
            OR EXISTS (
                SELECT 1 FROM audit.complaints AS r
                WHERE r.complaint_id = c.complaint_id AND r.repeats IS NOT NULL
            )
        )
        AND (%(begins)s::timestamptz IS NULL OR c.received_at >= %(begins)s)
        AND (%(ends)s::timestamptz IS NULL OR c.received_at < %(ends)s)
    ORDER BY c.received_at DESC, c.complaint_id DESC
    LIMIT %(most)s OFFSET %(skipped)s
) AS c
INNER JOIN audit.complaints AS a ON c.complaint_id = a.complaint_id
LEFT JOIN motcua.messages AS m ON c.message_id = m.message_id
LEFT JOIN LATERAL (
    SELECT o.message_id, o.kind, o.state, o.reason FROM motcua.messages AS o
    WHERE
        c.message_id IS NULL AND o.dossier_id = c.dossier_id AND o.kind <> 'reply' AND o.planned_at <= c.received_at
    ORDER BY c.claim = 'no_result_yet' AND o.kind = 'result' DESC, o.planned_at DESC, o.message_id DESC
    LIMIT 1
) AS i ON TRUE
ORDER BY c.received_at DESC, c.complaint_id DESC
