-- Rows of one statement that are not exact, or of one verdict, in the order of the file, ours at the end. Reads audit
-- views only. Called by store/oversight/statements.py.
SELECT
    m.match_id, m.verdict, m.direction, m.line_no, m.matched_by, m.differs, m.segments AS our_segments,
    m.amount AS our_amount, l.segments AS their_segments, l.amount AS their_amount, l.sent_at, l.status AS their_status,
    l.carrier, l.reference, l.gateway_reference, l.billed,
    coalesce(a.started_at, i.received_at) AS our_at, a.state AS our_state, a.reference AS our_reference, a.message_id,
    n.kind, coalesce(n.agency_code, i.agency_code) AS agency_code, d.dossier_code
FROM (
    -- Both sides are looked up for the rows of the page alone.
    SELECT m.*
    FROM audit.statement_matches AS m
    WHERE
        m.statement_no = %(statement_no)s
        AND (m.verdict = %(verdict)s OR (%(verdict)s::text IS NULL AND m.verdict <> 'exact'))
        AND (%(differs)s::text IS NULL OR %(differs)s = any(m.differs))
    ORDER BY m.line_no IS NULL, m.direction DESC, m.line_no, m.match_id
    LIMIT %(most)s OFFSET %(skipped)s
) AS m
LEFT JOIN audit.statement_lines AS l
    ON m.statement_no = l.statement_no AND m.direction = l.direction AND m.line_no = l.line_no
LEFT JOIN audit.attempts AS a ON m.attempt_id = a.attempt_id
LEFT JOIN audit.inquiries AS i ON m.inquiry_id = i.inquiry_id
LEFT JOIN audit.messages AS n ON a.message_id = n.message_id
LEFT JOIN audit.dossiers AS d ON coalesce(n.dossier_id, i.dossier_id) = d.dossier_id
ORDER BY m.line_no IS NULL, m.direction DESC, m.line_no, m.match_id
